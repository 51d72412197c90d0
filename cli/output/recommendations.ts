import { valueText } from '../../core/model/amount-text.ts';
import { foreign } from '../compose/doctor/foreign-text.ts';
import { aheadText } from '../compose/explain/pool-items.ts';
import type { HoldPart, NodesPart, RecommendationItem, RecommendationReport } from '../compose/explain/recommendation-report.ts';
import { requestsTotalText } from '../compose/explain/requests-total.ts';
import { ageText } from '../compose/explain/time-text.ts';
import { csvText } from './csv.ts';
import { markdownTable } from './markdown.ts';
import { terminalJson } from './sources-text.ts';
import { formatTable, type Column } from './table.ts';

export function recommendationJson(report: RecommendationReport): string {
  return `${terminalJson(report)}\n`;
}

/** Short names of the kinds that policies have, as kubectl knows them. */
const shortKinds: Readonly<Record<string, string>> = {
  HorizontalPolicy: 'hpol',
  HorizontalPodAutoscaler: 'hpa',
  VerticalPolicy: 'vpol',
  VerticalPodAutoscaler: 'vpa',
  NodePoolPolicy: 'npol',
  NodeGroup: 'group',
};

interface Field extends Column {
  readonly cell: (item: RecommendationItem) => string;
}

const right = { align: 'right' } as const;

const namespace: Field = { heading: 'NAMESPACE', cell: ({ subject }) => subject.namespace ?? '' };
const policy: Field = { heading: 'POLICY', cell: ({ subject }) => `${shortKinds[subject.kind] ?? subject.kind}/${subject.name}` };
const target: Field = { heading: 'TARGET', cell: targetCell };
const now: Field = { heading: 'NOW', ...right, cell: nowCell };
const set: Field = { heading: 'SET', ...right, cell: ({ from, to, dimension }) => (to === from ? '-' : valueText(dimension, to)) };
const wanted: Field = {
  heading: 'WANTED',
  ...right,
  cell: (item) => (item.wanted === null ? '?' : valueText(item.dimension, item.wanted)),
};
const metric: Field = { heading: 'METRIC', cell: ({ decidedBy }) => decidedBy ?? '-' };
const limited: Field = { heading: 'LIMITED', cell: limitedCell };
const held: Field = { heading: 'HELD', cell: ({ heldBy }) => holdCell(heldBy) };
const age: Field = {
  heading: 'AGE',
  ...right,
  cell: ({ dataAgeSeconds }) => (dataAgeSeconds === null ? '-' : ageText(dataAgeSeconds * 1000)),
};
const why: Field = {
  heading: 'WHY',
  cell: (item) =>
    [item.message, item.vertical?.difference ?? null, item.ahead === null ? null : aheadText(item, item.ahead)]
      .filter((part) => part !== null)
      .join('; '),
};

const mode: Field = { heading: 'MODE', cell: (item) => item.mode ?? '-' };
const min: Field = { heading: 'MIN', ...right, cell: (item) => boundCell(item, 'min') };
const max: Field = { heading: 'MAX', ...right, cell: (item) => boundCell(item, 'max') };
const asks: Field = { heading: 'ASKS', cell: ({ metrics }) => metrics.map(asked).join(', ') || '-' };
const reason: Field = { heading: 'REASON', cell: (item) => item.reason };

const confidence: Field = { heading: 'CONFIDENCE', ...right, cell: ({ vertical }) => numberCell(vertical?.evidence?.confidence) };
const coverage: Field = { heading: 'COVERAGE', ...right, cell: ({ vertical }) => shareCell(vertical?.evidence?.coverage) };
const apply: Field = { heading: 'APPLY', cell: ({ vertical }) => applyText(vertical) ?? '-' };

const tableFields = [namespace, policy, target, now, set, wanted, metric, limited, held, age, why];
const wideFields = [namespace, policy, target, mode, min, max, now, set, wanted, metric, asks, limited, held, age, reason, why];
const sizingFields = [confidence, coverage, apply];

/** What is of requests alone has columns where there are such rows. */
function wideFieldsFor(items: readonly RecommendationItem[]): readonly Field[] {
  if (items.every(({ vertical }) => vertical === null)) return wideFields;
  return wideFields.flatMap((field) => (field === age ? [age, ...sizingFields] : [field]));
}

/** A container's resource stands beside its workload: `Deployment/web app cpu`. */
function targetCell({ target: { kind, name }, vertical }: RecommendationItem): string {
  const place = vertical === null || vertical.container === null ? '' : ` ${vertical.container} ${vertical.resource}`;
  return `${kind}/${name}${place}`;
}

function nowCell({ from, dimension, vertical }: RecommendationItem): string {
  if (vertical === null) return String(from);
  if (vertical.container === null) return '-';
  return vertical.requested ? valueText(dimension, from) : 'none';
}

/** Of requests: what moved the target. */
function limitedCell({ limitedBy, vertical }: RecommendationItem): string {
  const clamps = clampNames(vertical);
  if (clamps.length === 0) return holdCell(limitedBy);
  return limitedBy.length === 0 ? clamps.join(', ') : `${clamps.join(', ')}, ${holdCell(limitedBy)}`;
}

function clampNames(vertical: RecommendationItem['vertical']): string[] {
  return [...new Set(vertical?.clamps.map(({ by }) => by))];
}

/** Bounds of replicas, or of what is recommended. */
function boundCell({ bounds, vertical, dimension }: RecommendationItem, side: 'min' | 'max'): string {
  if (vertical === null) return bounds === null ? '-' : String(bounds[side]);
  const bound = side === 'min' ? vertical.lower : vertical.upper;
  return bound === null ? '-' : valueText(dimension, bound);
}

function numberCell(value: number | undefined): string {
  return value === undefined ? '-' : String(value);
}

function shareCell(value: number | undefined): string {
  return value === undefined ? '-' : `${Math.round(value * 100)}%`;
}

const methodNames: Readonly<Record<string, string>> = { resize: 'resize', evict: 'evict', surge: 'roll', unboost: 'end boost' };

/** `resize 1 of 3`, `none of 3 (cooldown)`; undefined where nothing was looked at. */
function applyText(vertical: RecommendationItem['vertical']): string | undefined {
  if (vertical === null || vertical.apply === null) return undefined;
  const { methods, pods, blocks } = vertical.apply;
  const done = Object.entries(methods).map(([method, count]) => `${methodNames[method] ?? method} ${count}`);
  const why = [...new Set(blocks.map(({ by }) => by))].join(', ');
  return `${done.length === 0 ? 'none' : done.join(', ')} of ${pods}${done.length > 0 || why === '' ? '' : ` (${why})`}`;
}

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

/** The lines below a table: of rows of requests, what pods ask for, and would; of node groups, what they go by. */
export function recommendationFooter({ requests, nodes }: RecommendationReport): string | undefined {
  const lines = [...(requests === null ? [] : [requestsTotalText(requests)]), ...(nodes === null ? [] : nodesLines(nodes))];
  return lines.length === 0 ? undefined : lines.join('\n');
}

/** Pods that a person is shown; JSON has all. */
const mostPods = 5;

function nodesLines({ young, unknown }: NodesPart): string[] {
  const count = (pods: NodesPart['young'], why: string): string[] => {
    if (pods.length === 0) return [];
    const shown = pods.slice(0, mostPods).map(({ namespace: place, name, seconds }) => `${place}/${name} for ${ageText(seconds * 1000)}`);
    const more = pods.length > mostPods ? ` and ${pods.length - mostPods} more` : '';
    const whom = pods.length === 1 ? 'One pending pod counts' : `${pods.length} pending pods count`;
    return [foreign(`${whom} that the running controller still leaves alone, ${why}: ${shown.join(', ')}${more}`, mostCharacters)];
  };
  return [
    ...count(
      young.filter((pod) => pod.why === 'new'),
      'because more may come',
    ),
    ...count(
      young.filter((pod) => pod.why === 'delayed'),
      'as a flag or its annotation says',
    ),
    ...unknown.map((sentence) => foreign(sentence, mostCharacters)),
  ];
}

/** The same with mode, bounds and what every metric asks for. */
export function recommendationWide(items: readonly RecommendationItem[]): string {
  return table(wideFieldsFor(items), items);
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
  const fields = wideFieldsFor(items);
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
  ['limited_by', ({ limitedBy, vertical }) => [...clampNames(vertical), ...limitedBy.map(({ by }) => by)].join(' ')],
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

/** Of requests, and of node groups; after the problem, because columns keep their places. */
const laterColumns: readonly CsvColumn[] = [
  ['dimension', ({ dimension, vertical }) => dimension ?? (vertical === null ? 'replicas' : null)],
  ['container', ({ vertical }) => vertical?.container ?? null],
  ['lower', ({ vertical }) => vertical?.lower ?? null],
  ['upper', ({ vertical }) => vertical?.upper ?? null],
  ['uncapped', ({ vertical }) => vertical?.uncapped ?? null],
  ['percentile', ({ vertical }) => vertical?.evidence?.percentile ?? null],
  ['margin', ({ vertical }) => vertical?.evidence?.margin ?? null],
  ['confidence', ({ vertical }) => vertical?.evidence?.confidence ?? null],
  ['coverage', ({ vertical }) => vertical?.evidence?.coverage ?? null],
  ['samples', ({ vertical }) => vertical?.evidence?.samples ?? null],
  ['apply', ({ vertical }) => applyText(vertical) ?? null],
  ['pods_to_come', ({ ahead }) => ahead?.pods ?? null],
  ['nodes_for_pods_to_come', ({ ahead }) => ahead?.nodes ?? null],
];

/** With a column for why there is nothing else, so that a failure has its row too. */
export function recommendationCsv({ items, problem }: RecommendationReport): string {
  const header = [...csvColumns.map(([heading]) => heading), 'problem', ...laterColumns.map(([heading]) => heading)];
  const rows = items.map((item) => [...csvColumns.map(([, cell]) => cell(item)), null, ...laterColumns.map(([, cell]) => cell(item))]);
  const failure = problem === null ? [] : [[...csvColumns.map(() => null), problem, ...laterColumns.map(() => null)]];
  return csvText([header, ...rows, ...failure]);
}
