import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { upstreamOptions } from '../../cluster-autoscaler/engine/loop/index.ts';
import { firstDifference } from './nodes-fidelity.ts';
import type { NodesRecording } from './nodes-recording.ts';

const path = fileURLToPath(new URL('../../test/conformance/vectors/ca-trajectory.json', import.meta.url));
const there = existsSync(path);
/** Every third: the bench `nodes` plays all of them. */
const recordings = there
  ? (JSON.parse(readFileSync(path, 'utf8')) as { cases: NodesRecording[] }).cases.filter((_, at) => at % 3 === 0)
  : [];

function differenceOf(recording: NodesRecording, flags = recording.input.flags): string | undefined {
  const { loop, group, actuation } = upstreamOptions(flags);
  return firstDifference(recording, { loop, group, deletion: actuation });
}

describe('the scenes of the recorded paths', () => {
  it.skipIf(!there)('lead the recorded autoscaler along the recorded path, pod by pod and node by node', () => {
    expect(recordings.length).toBeGreaterThan(15);
    expect(recordings.flatMap((recording) => differenceOf(recording) ?? [])).toEqual([]);
  });

  it.skipIf(!there)('lead another one elsewhere', () => {
    const other = recordings.map((recording) => differenceOf(recording, [...recording.input.flags, '--scale-down-enabled=false']));
    expect(other.filter((difference) => difference !== undefined).length).toBeGreaterThan(recordings.length / 2);
    expect(other.find((difference) => difference !== undefined)).toMatch(/^at \d+ s: recorded .*; played /);
  });
});
