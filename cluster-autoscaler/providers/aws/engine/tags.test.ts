import { describe, expect, it } from 'vitest';
import { allocatableOfTags, labelsOfTags, optionTextsOfTags, resourcesOfTags, taintsOfTags } from './tags.ts';

const prefix = 'k8s.io/cluster-autoscaler/node-template';

describe('tags of a group', () => {
  it('give labels, those of EKS too, and no label without a name', () => {
    expect(
      labelsOfTags({
        [`${prefix}/label/pool`]: 'a',
        [`${prefix}/label/eks:odd`]: 'b',
        [`${prefix}/label/`]: 'c',
        'eks:cluster-name': 'd',
        'alpha.eksctl.io/cluster-name': 'e',
        Name: 'f',
      }),
    ).toEqual({ pool: 'a', 'eks:odd': 'b', 'cluster-name': 'd' });
  });

  it('give taints wherever an effect stands behind a colon, and say which ones no pod minds', () => {
    const { taints, problems } = taintsOfTags({
      [`${prefix}/taint/a`]: 'x:NoScheduleAtAll',
      [`${prefix}/taint/b`]: 'x:y:NoExecute',
      [`${prefix}/taint/c`]: ':PreferNoSchedule',
      [`${prefix}/taint/d`]: 'NoSchedule',
      [`${prefix}/label/e`]: 'x:NoSchedule',
    });
    expect(taints).toEqual([
      { key: 'a', value: 'x', effect: 'NoScheduleAtAll' },
      { key: 'b', value: 'x', effect: 'y:NoExecute' },
      { key: 'c', value: '', effect: 'PreferNoSchedule' },
    ]);
    expect(problems.map(({ key, reason }) => [key.slice(-1), reason])).toEqual([
      ['a', 'has the effect "NoScheduleAtAll", which no pod minds'],
      ['b', 'has the effect "y:NoExecute", which no pod minds'],
      ['d', 'is not <value>:<effect> with NoSchedule, NoExecute or PreferNoSchedule; ignored'],
    ]);
  });

  it('give resources and our allocatable in thousandths, bad ones reported', () => {
    const tags = {
      [`${prefix}/resources/cpu`]: '1900m',
      [`${prefix}/resources/ephemeral-storage`]: '20Gi',
      [`${prefix}/resources/`]: '1',
      [`${prefix}/resources/memory`]: 'GG',
      'concertina.dev/node-template/allocatable/memory': '7Gi',
    };
    expect(resourcesOfTags(tags)).toEqual({
      resources: { cpu: 1900, 'ephemeral-storage': 20 * 1024 ** 3 * 1000 },
      problems: [{ key: `${prefix}/resources/memory`, value: 'GG', reason: 'is not a quantity such as 100m or 20Gi; ignored' }],
    });
    expect(allocatableOfTags(tags).resources).toEqual({ memory: 7 * 1024 ** 3 * 1000 });
  });

  it('give option texts by name', () => {
    expect(
      optionTextsOfTags({ [`${prefix}/autoscaling-options/scaledownunneededtime`]: '1h', [`${prefix}/autoscaling-options/`]: 'x' }),
    ).toEqual({ scaledownunneededtime: '1h' });
  });
});
