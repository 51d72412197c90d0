import process from 'node:process';
import type { CommandModule } from 'yargs';
import { isConcertinaError } from '../../core/errors.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { environmentVariable } from '../../core/runtime/environment.ts';
import { declareConnection } from '../compose/connect.ts';
import { foreign } from '../compose/doctor/foreign-text.ts';
import { adoptedOf, declareAdopt } from '../compose/explain/adopted.ts';
import { explainPolicy } from '../compose/explain/explain-policy.ts';
import { explainRequests } from '../compose/explain/explain-requests.ts';
import { explainNodesSubject, isNodesSubject } from '../compose/explain/nodes-subject.ts';
import type { ExplanationReport } from '../compose/explain/explanation.ts';
import { findSubject, readWanted, type Found, type Wanted } from '../compose/explain/find-subject.ts';
import { listPolicies, policiesOf, snapshotOfFile, unreadNotes, withCluster, type Snapshot } from '../compose/explain/obtain-snapshot.ts';
import { isoTime } from '../compose/explain/time-text.ts';
import { tellsNodes } from '../compose/intents-from.ts';
import { outlookFrom, readingOf } from '../compose/recommend-from.ts';
import { declareSettings, loadSettings, recommendSettings, type DecisionSettings } from '../compose/settings.ts';
import { wantsColour } from '../output/doctor.ts';
import { explanationJson, explanationText } from '../output/explanation.ts';
import { UsageError } from '../output/failure.ts';
import { nodesExplanationText } from '../output/nodes-explanation.ts';
import { requestsExplanationText } from '../output/requests-explanation.ts';

type Words = Readonly<Record<string, unknown>>;

export const explainCommand: CommandModule = {
  command: 'explain [subject]',
  describe: 'Show how one decision comes about, step by step, and what would have to change; writes nothing',
  builder: (args) =>
    declareAdopt(declareSettings(declareConnection(args), recommendSettings))
      .positional('subject', {
        type: 'string',
        description:
          'A policy or native autoscaler, or what one of them scales or sizes: NAME or KIND/NAME, such as deployment/web, hpol/web, vpa/web; a pod that waits for a node, pod/NAME; a node, node/NAME; a policy of node groups, npol/NAME',
      })
      .option('snapshot', { type: 'string', description: 'File of `concertina snapshot` instead of a cluster' })
      .option('namespace', { alias: 'n', type: 'string', description: 'Its namespace (all are looked through)' })
      .option('output', { alias: 'o', choices: ['text', 'json'] as const, default: 'text', description: 'How to print' })
      .epilogue('Exit code: 0 when there is an explanation, 1 when there is none, 2 for wrong words.'),
  handler: async (args) => {
    const json = args['output'] === 'json';
    const file = textOf(args, 'snapshot');
    const base: ExplanationReport = {
      kind: 'ConcertinaExplanation',
      version: 1,
      at: null,
      server: null,
      origin: file === undefined ? 'cluster' : 'snapshot',
      problem: null,
      explanations: [],
      requests: [],
      nodes: [],
    };
    let answer: Answer;
    try {
      answer = await explain(args, base);
    } catch (error) {
      // A machine gets its output on every exit; the sentence for a person goes to standard error.
      if (json && (isConcertinaError(error) || error instanceof UsageError || error instanceof NotFound)) {
        process.stdout.write(explanationJson({ ...base, problem: foreign(error.message, 1_000) }));
      }
      throw error;
    }
    const { report, at, from } = answer;
    const style = { colour: wantsColour(process.stdout, environmentVariable), at, from };
    const texts = [
      ...report.explanations.map((explanation) => explanationText(explanation, style)),
      ...report.requests.map((explanation) => requestsExplanationText(explanation, style)),
      ...report.nodes.map((explanation) => nodesExplanationText(explanation, style)),
    ];
    process.stdout.write(json ? explanationJson(report) : `${texts.join('\n\n')}\n`);
  },
};

/** There is nothing of that name: an answer, not a fault of the words. */
class NotFound extends Error {}

interface Answer {
  readonly report: ExplanationReport;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly from: string;
}

async function explain(args: Words, base: ExplanationReport): Promise<Answer> {
  const settings = loadSettings(recommendSettings, args);
  const wanted = wantedOf(args['subject']);
  const namespace = textOf(args, 'namespace');
  const file = textOf(args, 'snapshot');
  if (isNodesSubject(wanted)) return explainNodeGroups(args, base, { settings, wanted });
  const { snapshot, found } =
    file === undefined ? await fromCluster(args, { settings, wanted, namespace }) : await fromFile(file, { wanted, namespace });
  const reading = readingOf(snapshot, settings, { adopt: adoptedOf(args) });
  const subjects = new Set(found.policies.map(nameOf));
  const isMeant = ({ raw }: { readonly raw: KubeObject }): boolean => subjects.has(nameOf(raw));
  const { horizontal, vertical } = outlookFrom(snapshot, settings, reading);
  const [replicas, requests] = [horizontal.filter(isMeant), vertical.filter(isMeant)];
  if (replicas.length + requests.length === 0) {
    throw new NotFound(`"${wanted.text}" was deleted while it was read; it is nothing to explain any more`);
  }
  for (const note of unreadNotes(snapshot)) process.stderr.write(`${note}\n`);
  const { takenAt, server } = snapshot;
  return {
    report: {
      ...base,
      at: isoTime(takenAt),
      server,
      explanations: replicas.map((each) => explainPolicy(each, { snapshot, reading, settings })),
      requests: requests.map((each) => explainRequests(each, { snapshot, reading, settings })),
    },
    at: takenAt,
    from: file === undefined ? server : `snapshot ${file}`,
  };
}

/** Node groups are for the pods of all namespaces, so all of them are read, and what horizontal policies want of them. */
async function explainNodeGroups(
  args: Words,
  base: ExplanationReport,
  { settings, wanted }: { readonly settings: DecisionSettings; readonly wanted: Wanted },
): Promise<Answer> {
  const file = textOf(args, 'snapshot');
  const adopt = adoptedOf(args);
  const snapshot =
    file === undefined
      ? await withCluster(args, { command: 'explain', settings }, ({ take }) =>
          take({ namespace: undefined, only: (policy) => tellsNodes(policy, adopt) }),
        )
      : await snapshotOfFile(file);
  const found = explainNodesSubject(snapshot, settings, { wanted, namespace: textOf(args, 'namespace'), adopt });
  if (!found.ok) throw found.why === 'ambiguous' ? new UsageError(found.problem) : new NotFound(found.problem);
  const { takenAt, server } = snapshot;
  return {
    report: { ...base, at: isoTime(takenAt), server, nodes: [found.explanation] },
    at: takenAt,
    from: file === undefined ? server : `snapshot ${file}`,
  };
}

type Chosen = Extract<Found, { ok: true }>;

async function fromFile(
  file: string,
  { wanted, namespace }: { readonly wanted: Wanted; readonly namespace: string | undefined },
): Promise<{ readonly snapshot: Snapshot; readonly found: Chosen }> {
  const snapshot = await snapshotOfFile(file);
  const found = chosen(findSubject(policiesOf(snapshot), wanted, namespace));
  return { snapshot, found };
}

/** What other policies ask of their sources is not asked: it changes nothing here. */
function fromCluster(
  args: Words,
  { settings, wanted, namespace }: { readonly settings: DecisionSettings; readonly wanted: Wanted; readonly namespace: string | undefined },
): Promise<{ readonly snapshot: Snapshot; readonly found: Chosen }> {
  return withCluster(args, { command: 'explain', settings }, async ({ client, take }) => {
    const found = chosen(findSubject(await listPolicies(client, namespace), wanted, namespace));
    const subjects = new Set(found.policies.map(nameOf));
    const snapshot = await take({ namespace: found.namespace, only: (policy) => subjects.has(nameOf(policy)) });
    return { snapshot, found };
  });
}

function chosen(found: Found): Chosen {
  if (found.ok) return found;
  throw found.why === 'ambiguous' ? new UsageError(found.problem) : new NotFound(found.problem);
}

function nameOf({ kind = '', metadata }: KubeObject): string {
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

function wantedOf(subject: unknown): Wanted {
  const help = '`concertina explain --help` tells more';
  if (typeof subject !== 'string') throw new UsageError(`name a policy or what it scales, such as deployment/web; ${help}`);
  const wanted = readWanted(subject);
  if (wanted === undefined) throw new UsageError(`"${foreign(subject, 80)}" is not NAME or KIND/NAME, such as deployment/web; ${help}`);
  return wanted;
}

function textOf(args: Words, name: string): string | undefined {
  const value = args[name];
  return typeof value === 'string' ? value : undefined;
}
