import { seededRandom } from '../core/runtime/random.ts';
import { playClosedLoop, type ClosedLoopPoint } from '../simulator/index.ts';

/** `docs/images/closed-loop.svg`: a replicas policy and a requests policy on one workload, each way of measuring utilization. `npm run gen` writes it. */

const days = 7;
const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 5);
const request = 500;

/** 6 cores with a daily swing of 30 %. */
function demand(now: number): number {
  return 6_000 * (1 + 0.3 * Math.sin(((now - start) / dayMs) * 2 * Math.PI));
}

export type Measured = 'of-pod-requests' | 'of-template-requests';

/** The same load, the same noise: only what utilization is measured against differs. */
export function closedLoop(targetUtilization: number, utilization: Measured): ClosedLoopPoint[] {
  return playClosedLoop({
    utilization,
    demand,
    targetUtilization,
    minReplicas: 2,
    maxReplicas: 100,
    replicas: 20,
    request,
    days,
    random: seededRandom(7),
    cooldown: { scaleUpMs: 180_000, scaleDownMs: 300_000 },
  });
}

const width = 440;
const height = 170;
const left = 56;
const top = 64;
const gapX = 64;
const gapY = 62;
const colours: Readonly<Record<Measured, string>> = { 'of-pod-requests': '#c2410c', 'of-template-requests': '#1d4ed8' };

interface Panel {
  readonly title: string;
  readonly column: number;
  readonly row: number;
  readonly most: number;
  readonly value: (point: ClosedLoopPoint) => number;
  readonly runs: ReadonlyMap<Measured, readonly ClosedLoopPoint[]>;
}

export function renderClosedLoop(): string {
  const panels = [50, 90].flatMap((target, column): Panel[] => {
    const runs = new Map(
      (['of-pod-requests', 'of-template-requests'] as const).map((measured) => [measured, closedLoop(target, measured)]),
    );
    const all = [...runs.values()].flat();
    const most = (value: (point: ClosedLoopPoint) => number): number => Math.max(...all.map(value));
    return [
      {
        title: `replicas, target ${target} % CPU`,
        column,
        row: 0,
        most: most(({ replicas }) => replicas),
        value: ({ replicas }) => replicas,
        runs,
      },
      {
        title: 'CPU request of a pod, milli-cores',
        column,
        row: 1,
        most: most((point) => point.request),
        value: (point) => point.request,
        runs,
      },
    ];
  });
  const totalWidth = left + 2 * width + gapX + 16;
  const totalHeight = top + 2 * height + gapY + 40;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${totalWidth} ${totalHeight}" font-family="sans-serif" font-size="12" role="img" aria-label="Replicas and requests over seven days, with utilization measured against pod requests and against template requests">`,
    `<rect width="${totalWidth}" height="${totalHeight}" fill="#ffffff"/>`,
    `<text x="${left}" y="20" font-size="14" fill="#111827">HPA and VPA on the CPU of one workload: 6 cores ± 30 % a day, 20 pods of 500m at first</text>`,
    legend(left, 40, 'of-pod-requests', 'upstream: utilization of the pods’ own requests, which the VPA moves'),
    legend(left + 470, 40, 'of-template-requests', 'Concertina: utilization of the template’s requests'),
    ...panels.map(panelSvg),
    '</svg>',
    '',
  ].join('\n');
}

function legend(x: number, y: number, measured: Measured, text: string): string {
  return `<g><line x1="${x}" y1="${y - 4}" x2="${x + 22}" y2="${y - 4}" stroke="${colours[measured]}" stroke-width="2"/><text x="${x + 28}" y="${y}" fill="#374151">${text}</text></g>`;
}

function panelSvg({ title, column, row, most, value, runs }: Panel): string {
  const x = left + column * (width + gapX);
  const y = top + row * (height + gapY);
  const scale = (amount: number): number => y + height - (amount / most) * height;
  const ticks = [0, most / 2, most].map(
    (amount) =>
      `<line x1="${x}" y1="${fixed(scale(amount))}" x2="${x + width}" y2="${fixed(scale(amount))}" stroke="#e5e7eb"/><text x="${x - 6}" y="${fixed(scale(amount) + 4)}" text-anchor="end" fill="#6b7280">${Math.round(amount)}</text>`,
  );
  const dayTicks = Array.from(
    { length: days + 1 },
    (_, day) =>
      `<text x="${fixed(x + (day / days) * width)}" y="${y + height + 16}" text-anchor="middle" fill="#6b7280">${day}${day === days ? ' d' : ''}</text>`,
  );
  const lines = [...runs].map(([measured, points]) => {
    const path = points
      // One point an hour: what happens within one is not seen at this size.
      .filter((_, index) => index % 60 === 59)
      .map((point) => `${fixed(x + (point.at / (days * dayMs)) * width)},${fixed(scale(value(point)))}`)
      .join(' ');
    return `<polyline fill="none" stroke="${colours[measured]}" stroke-width="1.5" points="${path}"/>`;
  });
  return [`<text x="${x}" y="${y - 8}" fill="#111827">${title}</text>`, ...ticks, ...dayTicks, ...lines].join('\n');
}

function fixed(value: number): string {
  return value.toFixed(1);
}
