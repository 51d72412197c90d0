import process from 'node:process';
import type { CommandModule } from 'yargs';
import { isConcertinaError } from '../../core/errors.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { matchesSelector, parseSelector } from '../../core/model/selector.ts';
import { declareConnection } from '../compose/connect.ts';
import { foreign } from '../compose/doctor/foreign-text.ts';
import { failConditions, failOn, failSentences, readFailConditions, type FailCondition } from '../compose/explain/fail-on.ts';
import { snapshotOfFile, unreadNotes, withCluster, type Snapshot } from '../compose/explain/obtain-snapshot.ts';
import {
  recommendationItem,
  requestItems,
  type NodesPart,
  type RecommendationItem,
  type RecommendationReport,
} from '../compose/explain/recommendation-report.ts';
import { poolItems } from '../compose/explain/pool-items.ts';
import { requestsTotal } from '../compose/explain/requests-total.ts';
import { adoptedOf, declareAdopt } from '../compose/explain/adopted.ts';
import { intentsFrom } from '../compose/intents-from.ts';
import { lookAtNodes, type NodesLook } from '../compose/nodes-look.ts';
import { outlookFrom, readingOf } from '../compose/recommend-from.ts';
import { declareSettings, loadSettings, recommendSettings, type DecisionSettings } from '../compose/settings.ts';
import { decisionTraces } from '../output/decisions.ts';
import { failureLine, UsageError } from '../output/failure.ts';
import {
  recommendationCsv,
  recommendationFooter,
  recommendationJson,
  recommendationMarkdown,
  recommendationTable,
  recommendationWide,
} from '../output/recommendations.ts';

type Words = Readonly<Record<string, unknown>>;

const outputs = ['table', 'wide', 'trace', 'json', 'csv', 'markdown'] as const;

type Output = (typeof outputs)[number];

export const recommendCommand: CommandModule = {
  command: 'recommend',
  describe: 'Show what would be done now and why, from a live cluster or a snapshot; writes nothing',
  builder: (args) =>
    declareAdopt(declareSettings(declareConnection(args), recommendSettings))
      .option('snapshot', { type: 'string', description: 'File of `concertina snapshot` instead of a cluster' })
      .option('namespace', { alias: 'n', type: 'string', description: 'Only this namespace (all)' })
      .option('all-namespaces', { alias: 'A', type: 'boolean', default: false, description: 'All namespaces, as without --namespace' })
      .option('selector', { alias: 'l', type: 'string', description: 'Only policies with these labels: app=web,tier!=test' })
      .option('output', { alias: 'o', choices: outputs, default: 'table', description: 'How to print' })
      .option('fail-on', {
        type: 'string',
        description: `End with 3 when a policy is so, one or more of ${failConditions.join(', ')}; separated by commas`,
      })
      .epilogue('Exit code: 0; 3 when --fail-on has found something, 1 when nothing could be read, 2 for wrong words.'),
  handler: async (args) => {
    const output = outputs.find((each) => each === args['output']) ?? 'table';
    const base: RecommendationReport = {
      kind: 'ConcertinaRecommendations',
      version: 1,
      at: null,
      server: null,
      origin: typeof args['snapshot'] === 'string' ? 'snapshot' : 'cluster',
      problem: null,
      failOn: null,
      items: [],
      requests: null,
      nodes: null,
    };
    let report: RecommendationReport;
    try {
      report = await recommendations(args, base);
    } catch (error) {
      // A machine gets its output on every exit; the sentence for a person goes to standard error.
      if (isConcertinaError(error) || error instanceof UsageError) {
        process.stdout.write(machineText({ ...base, problem: foreign(error.message, 1_000) }, output) ?? '');
      }
      throw error;
    }
    process.stdout.write(machineText(report, output) ?? personText(report, output));
    if (report.failOn?.failed !== true) return;
    for (const sentence of failSentences(report.failOn)) process.stderr.write(`${failureLine(sentence)}\n`);
    process.exitCode = 3;
  },
};

function machineText(report: RecommendationReport, output: Output): string | undefined {
  switch (output) {
    case 'json':
      return recommendationJson(report);
    case 'csv':
      return recommendationCsv(report);
    case 'markdown':
      return recommendationMarkdown(report);
    case 'table':
    case 'wide':
    case 'trace':
      return undefined;
  }
}

function personText(report: RecommendationReport, output: Output): string {
  const { items } = report;
  if (items.length === 0) {
    return 'There is no HorizontalPolicy, HorizontalPodAutoscaler, VerticalPolicy or VerticalPodAutoscaler, and no node group was asked for: nothing to recommend.\n';
  }
  if (output === 'trace') return `${decisionTraces(items)}\n`;
  const footer = recommendationFooter(report);
  const table = output === 'wide' ? recommendationWide(items) : recommendationTable(items);
  return footer === undefined ? `${table}\n` : `${table}\n\n${footer}\n`;
}

interface Scope {
  readonly namespace: string | undefined;
  readonly includes: (policy: KubeObject) => boolean;
  /** Not everything is wanted. */
  readonly isPart: boolean;
}

async function recommendations(args: Words, base: RecommendationReport): Promise<RecommendationReport> {
  const settings = loadSettings(recommendSettings, args);
  const scope = scopeOf(args);
  const conditions = conditionsOf(args['fail-on']);
  const file = args['snapshot'];
  const snapshot = typeof file === 'string' ? await snapshotOfFile(file) : await readCluster(args, settings, scope);
  const reading = readingOf(snapshot, settings, { adopt: adoptedOf(args) });
  const { horizontal, vertical } = outlookFrom(snapshot, settings, reading);
  const requests = vertical.filter(({ raw }) => scope.includes(raw));
  // Node groups have no namespace, and labels only where they have a policy: a choice of either leaves them out.
  const look = scope.isPart ? undefined : lookAtNodes(snapshot, settings, { reading, intents: intentsFrom(horizontal, snapshot, reading) });
  const items = [
    ...horizontal.filter(({ raw }) => scope.includes(raw)).map((each) => recommendationItem(each, reading)),
    ...requests.flatMap(requestItems),
    ...(look === undefined ? [] : poolItems(look.outlook, look.ahead)),
  ].toSorted(byPlace);
  for (const note of notesOn(snapshot)) process.stderr.write(`${note}\n`);
  const { takenAt, server } = snapshot;
  return {
    ...base,
    at: takenAt,
    server,
    items,
    requests: requestsTotal(requests),
    nodes: look === undefined ? null : nodesPart(look),
    failOn: conditions === undefined ? null : failOn(conditions, items),
  };
}

function nodesPart({ young, unknown }: NodesLook): NodesPart {
  return { young: young.map(({ uid: _uid, ...pod }) => pod), unknown };
}

/** By namespace, name and kind; rows of one policy stay as they are. */
function byPlace({ subject: a }: RecommendationItem, { subject: b }: RecommendationItem): number {
  const key = ({ namespace = '', name, kind }: typeof a): string => JSON.stringify([namespace, name, kind]);
  const [left, right] = [key(a), key(b)];
  return left < right ? -1 : Number(left > right);
}

/** What makes all of it say less than `run` would. */
function notesOn(snapshot: Snapshot): string[] {
  const { metrics, replicaSets } = snapshot;
  const { source } = metrics;
  return [
    ...(source.healthy ? [] : [`usage is unknown: ${foreign(source.detail, 400)}`]),
    ...(replicaSets === undefined ? ['the owners of pods are not known (list on replicasets.apps): pods are told by their labels'] : []),
    ...unreadNotes(snapshot),
  ];
}

function readCluster(args: Words, settings: DecisionSettings, { namespace, includes }: Scope): Promise<Snapshot> {
  return withCluster(args, { command: 'recommend', settings }, ({ take }) => take({ namespace, only: includes }));
}

function scopeOf(args: Words): Scope {
  const namespace = typeof args['namespace'] === 'string' ? args['namespace'] : undefined;
  if (namespace !== undefined && args['all-namespaces'] === true) {
    throw new UsageError(`--namespace "${foreign(namespace, 80)}" and --all-namespaces contradict each other; leave one out`);
  }
  const text = args['selector'];
  const selector = typeof text === 'string' ? readSelector(text) : undefined;
  return {
    namespace,
    isPart: namespace !== undefined || selector !== undefined,
    includes: ({ metadata }) =>
      (namespace === undefined || metadata.namespace === namespace) &&
      (selector === undefined || matchesSelector(selector, metadata.labels ?? {})),
  };
}

function readSelector(text: string): ReturnType<typeof parseSelector> {
  try {
    return parseSelector(text);
  } catch (error) {
    if (!isConcertinaError(error, 'SELECTOR_INVALID')) throw error;
    throw new UsageError(`--selector: ${error.message}; write app=web, app in (web,api) or !canary, joined by commas`);
  }
}

function conditionsOf(text: unknown): readonly FailCondition[] | undefined {
  if (typeof text !== 'string') return undefined;
  const read = readFailConditions(text);
  if (!('wrong' in read)) return read;
  throw new UsageError(`--fail-on "${foreign(read.wrong, 80)}" is not one of ${failConditions.join(', ')}; join several with commas`);
}
