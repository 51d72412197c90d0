import { foreign } from '../compose/doctor/foreign-text.ts';
import type { HoldPart, RecommendationItem, RecommendationReport } from '../compose/explain/recommendation-report.ts';
import { ageText } from '../compose/explain/time-text.ts';
import { csvText } from './csv.ts';
import { markdownTable } from './markdown.ts';
import { terminalJson } from './sources-text.ts';
import { formatTable, type Column } from './table.ts';

export function recommendationJson(report: RecommendationReport): string {
  return `${terminalJson(report)}\n`;
}

/** Short names of the kinds that policies have, as kubectl knows them. */
const shortKinds: Readonly<Record<string, string>> = { HorizontalPolicy: 'hpol', HorizontalPodAutoscaler: 'hpa' };

interface Field extends Column {
  readonly cell: (item: RecommendationItem) => string;
}

const right = { align: 'right' } as const;

const namespace: Field = { heading: 'NAMESPACE', cell: ({ subject }) => subject.namespace ?? '' };
const policy: Field = { heading: 'POLICY', cell: ({ subject }) => `${shortKinds[subject.kind] ?? subject.kind}/${subject.name}` };
const target: Field = { heading: 'TARGET', cell: (item) => `${item.target.kind}/${item.target.name}` };
const now: Field = { heading: 'NOW', ...right, cell: ({ from }) => String(from) };
const set: Field = { heading: 'SET', ...right, cell: ({ from, to }) => (to === from ? '-' : String(to)) };
const wanted: Field = { heading: 'WANTED', ...right, cell: (item) => (item.wanted === null ? '?' : String(item.wanted)) };
const metric: Field = { heading: 'METRIC', cell: ({ decidedBy }) => decidedBy ?? '-' };
const limited: Field = { heading: 'LIMITED', cell: ({ limitedBy }) => holdCell(limitedBy) };
const held: Field = { heading: 'HELD', cell: ({ heldBy }) => holdCell(heldBy) };
const age: Field = {
  heading: 'AGE',
  ...right,
  cell: ({ dataAgeSeconds }) => (dataAgeSeconds === null ? '-' : ageText(dataAgeSeconds * 1000)),
};
const why: Field = { heading: 'WHY', cell: ({ message }) => message };

const mode: Field = { heading: 'MODE', cell: (item) => item.mode ?? '-' };
const min: Field = { heading: 'MIN', ...right, cell: ({ bounds }) => (bounds === null ? '-' : String(bounds.min)) };
const max: Field = { heading: 'MAX', ...right, cell: ({ bounds }) => (bounds === null ? '-' : String(bounds.max)) };
const asks: Field = { heading: 'ASKS', cell: ({ metrics }) => metrics.map(asked).join(', ') || '-' };
const reason: Field = { heading: 'REASON', cell: (item) => item.reason };

const tableFields = [namespace, policy, target, now, set, wanted, metric, limited, held, age, why];
const wideFields = [namespace, policy, target, mode, min, max, now, set, wanted, metric, asks, limited, held, age, reason, why];

/** `cooldown 2m 10s, conflict`. */
function holdCell(holds: readonly HoldPart[]): string {
  if (holds.length === 0) return '-';
  return holds.map(({ by, remainingSeconds: left }) => (left === null ? by : `${by} ${ageText(left * 1000)}`)).join(', ');
}

function asked({ name, replicas }: RecommendationItem['metrics'][number]): string {
  return `${name} ${replicas ?? '?'}`;
}

/** One row a policy: what is, what would be, by which metric, what bounds and holds it, and why. */
export function recommendationTable(items: readonly RecommendationItem[]): string {
  return table(tableFields, items);
}

/** The same with mode, bounds and what every metric asks for. */
export function recommendationWide(items: readonly RecommendationItem[]): string {
  return table(wideFields, items);
}

/** The longest sentence of a decision that names some pods. */
const mostCharacters = 1_000;

function table(fields: readonly Field[], items: readonly RecommendationItem[]): string {
  return formatTable(
    fields,
    items.map((item) => fields.map(({ cell }) => foreign(cell(item), mostCharacters))),
  );
}

export function recommendationMarkdown({ items, problem }: RecommendationReport): string {
  if (problem !== null) return `${markdownTable(['PROBLEM'], [[problem]])}\n`;
  const fields = wideFields;
  const rows = items.map((item) => fields.map(({ cell }) => foreign(cell(item), mostCharacters)));
  return `${markdownTable(
    fields.map(({ heading }) => heading),
    rows,
  )}\n`;
}

type CsvColumn = readonly [heading: string, cell: (item: RecommendationItem) => string | number | null];

const winner = ({ metrics }: RecommendationItem): RecommendationItem['metrics'][number] | undefined => metrics.find(({ wins }) => wins);

/** Names are stable, columns are only ever added at the end. */
const csvColumns: readonly CsvColumn[] = [
  ['namespace', ({ subject }) => subject.namespace ?? ''],
  ['policy_kind', ({ subject }) => subject.kind],
  ['policy', ({ subject }) => subject.name],
  ['target_kind', (item) => item.target.kind],
  ['target', (item) => item.target.name],
  ['mode', (item) => item.mode],
  ['min_replicas', ({ bounds }) => bounds?.min ?? null],
  ['max_replicas', ({ bounds }) => bounds?.max ?? null],
  ['replicas', ({ from }) => from],
  ['proposed', ({ to }) => to],
  ['wanted', (item) => item.wanted],
  ['metric', (item) => winner(item)?.name ?? null],
  ['measured', (item) => winner(item)?.measured ?? null],
  ['metric_target', (item) => winner(item)?.target ?? null],
  ['formula', (item) => winner(item)?.formula ?? null],
  ['limited_by', ({ limitedBy }) => limitedBy.map(({ by }) => by).join(' ')],
  ['held_by', ({ heldBy }) => heldBy.map(({ by }) => by).join(' ')],
  [
    'held_seconds',
    ({ heldBy }) =>
      heldBy.reduce<number | null>((most, { remainingSeconds: left }) => (left === null ? most : Math.max(most ?? 0, left)), null),
  ],
  ['data_age_seconds', ({ dataAgeSeconds }) => dataAgeSeconds],
  ['reason', (item) => item.reason],
  ['message', ({ message }) => message],
];

/** With a last column for why there is nothing else, so that a failure has its row too. */
export function recommendationCsv({ items, problem }: RecommendationReport): string {
  const header = [...csvColumns.map(([heading]) => heading), 'problem'];
  const rows = items.map((item) => [...csvColumns.map(([, cell]) => cell(item)), null]);
  const failure = problem === null ? [] : [[...csvColumns.map(() => null), problem]];
  return csvText([header, ...rows, ...failure]);
}
