import type { KubeletFleet } from '../../simulator/index.ts';

/** Everything that simulated kubelets have published, so that what a real program makes of it can be judged. */
export interface ScrapeRecord {
  /**
   * What was used in a window as metrics.k8s.io tells it: the end to the second, the length exactly. More than one when two
   * points lie in that second; none when no two points are so far apart.
   */
  between(subject: string, window: { readonly timestamp: number; readonly windowMs: number }): readonly MeasuredUse[];
  stop(): void;
}

export interface MeasuredUse {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

interface Point {
  readonly timestamp: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** Points are half a second apart at least: a look each 100 ms misses none. */
const lookMs = 100;

/** Starts to record. Subjects are `namespace/pod/container` and names of nodes. */
export function recordScrapes(fleet: KubeletFleet): ScrapeRecord {
  const points = new Map<string, Map<number, Point>>();
  const note = (subject: string, point: Point): void => {
    let known = points.get(subject);
    if (known === undefined) points.set(subject, (known = new Map()));
    known.set(point.timestamp, point);
  };
  const look = (): void => {
    for (const name of fleet.nodeNames()) {
      if (!answers(fleet, name)) continue;
      const { node, pods } = fleet.scrape(name);
      note(name, node);
      for (const pod of pods) {
        for (const container of pod.containers) {
          const subject = `${pod.namespace}/${pod.name}/${container.name}`;
          // Metrics Server takes the start of a young container for a point.
          note(subject, { timestamp: container.startTime, cpuSeconds: 0, memoryBytes: 0 });
          note(subject, container);
        }
      }
    }
  };
  const timer = setInterval(look, lookMs);
  return {
    between: (subject, { timestamp, windowMs }) => {
      const known = [...(points.get(subject)?.values() ?? [])];
      const ends = known.filter((point) => Math.floor(point.timestamp / 1000) * 1000 === timestamp);
      return ends.flatMap((end) =>
        known
          .filter((begin) => end.timestamp - begin.timestamp === windowMs)
          .map((begin) => ({
            cpuMilli: ((end.cpuSeconds - begin.cpuSeconds) / windowMs) * 1e6,
            memoryBytes: end.memoryBytes,
          })),
      );
    },
    stop: () => clearInterval(timer),
  };
}

function answers(fleet: KubeletFleet, node: string): boolean {
  try {
    fleet.scrape(node);
    return true;
  } catch {
    return false;
  }
}
