import { describe, expect, it } from 'vitest';
import { createPathMeter } from './nodes-meter.ts';

describe('the meter of a path', () => {
  it('adds up waits: of those who were served, of those who left, of those who still wait, and apart of those whom nobody can help', () => {
    const meter = createPathMeter();
    meter.podWaits('served', 10, false);
    meter.podBound('served', 40);
    meter.podWaits('at once', 10, false);
    meter.podBound('at once', 10);
    meter.podWaits('left', 50, false);
    meter.podGone('left', 60);
    meter.podWaits('open', 90, false);
    meter.podWaits('hopeless', -100, true);
    meter.podGone('never waited', 50);
    expect(meter.figures(100)).toMatchObject({
      waitingSeconds: 50,
      servedWaitingSeconds: 30,
      hopelessSeconds: 100,
      served: 1,
      longestWait: 30,
    });
  });

  it('adds up machines from second 0 on', () => {
    const meter = createPathMeter();
    meter.nodeCame('old', -3600, 4);
    meter.nodeCame('new', 40, 2);
    meter.nodeGone('old', 50);
    expect(meter.figures(100)).toMatchObject({ nodeSeconds: 110, coreSeconds: 320 });
  });

  it('sees thrash: a node bought within ten minutes after one of the group was given back, once for each', () => {
    const meter = createPathMeter();
    meter.removed('g1', 0);
    meter.removed('g1', 100);
    meter.removed('g2', 100);
    meter.asked('g1', 1, 650);
    meter.asked('g1', 5, 660);
    meter.asked('g3', 1, 660);
    expect(meter.figures(1000)).toMatchObject({ thrash: 1, nodesAdded: 7, scaleUps: 3, nodesRemoved: 3 });
  });
});
