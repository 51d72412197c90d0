import { expect, it } from 'vitest';
import { createInterner, projectNode } from '../../core/model/index.ts';
import { gpuSeriesOf } from './gpu-series.ts';

const interner = createInterner();
const node = (labels: Record<string, string>, capacity: Record<string, string>) =>
  projectNode({ metadata: { name: 'n', labels }, status: { capacity } }, interner);

it('tells of the GPUs of a node in upstream’s words', () => {
  const [label, type] = ['accelerator', 'nvidia-tesla-t4'];
  const told = (...of: Parameters<typeof gpuSeriesOf>) => {
    const { gpu_resource_name: resource, gpu_name: name } = gpuSeriesOf(...of);
    return [resource, name];
  };
  expect(told(undefined, label)).toEqual(['', '']);
  expect(told(node({}, { cpu: '4' }), label)).toEqual(['', '']);
  expect(told(node({ [label]: type }, { 'nvidia.com/gpu': '1' }), label)).toEqual(['nvidia.com/gpu', type]);
  expect(told(node({}, { 'amd.com/gpu': '1' }), label)).toEqual(['amd.com/gpu', 'generic']);
  expect(told(node({ [label]: type }, { 'nvidia.com/gpu': '1' }), '')).toEqual(['nvidia.com/gpu', 'generic']);
  const late = node({ [label]: type }, { cpu: '4' });
  expect(told(late, label)).toEqual(['nvidia.com/gpu', 'unexpected-label']);
  expect(told(late, label, node({}, { 'amd.com/gpu': '1' }))).toEqual(['amd.com/gpu', 'missing-gpu']);
});
