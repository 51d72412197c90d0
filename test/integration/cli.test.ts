import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../core/kube/test-support.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { concertinaCrds } from '../../cli/compose/crds.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import { setCpuLoad } from '../journeys/cpu-load.ts';
import { deployment, policy } from '../journeys/journey-cluster.ts';
import { bundleForTest } from '../journeys/process-controller.ts';

interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** Milliseconds in which every command on bad input must have ended. */
const limitMs = 10_000;

let folder: string;
let bundle: Awaited<ReturnType<typeof bundleForTest>>;

interface Start {
  readonly env?: Readonly<Record<string, string>>;
  /** Sends SIGTERM when the log holds this text. */
  readonly stopAt?: string;
  readonly limit?: number;
}

function concertina(args: readonly string[], { env = {}, stopAt, limit = limitMs }: Start = {}): Promise<Outcome> {
  const started = performance.now();
  const child = spawn(process.execPath, [bundle.file, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let stopped = false;
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    // Once only: a second signal is the operator's wish to end at once.
    if (stopAt === undefined || stopped || !stderr.includes(stopAt)) return;
    stopped = true;
    child.kill('SIGTERM');
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limit);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, ms: performance.now() - started });
    });
  });
}

/** One sentence on stderr with these parts, nothing on stdout, the exit code, in time. */
function expectRefusal(outcome: Outcome, code: number, parts: readonly (string | RegExp)[]): void {
  expect(outcome.signal, `it was still running after ${limitMs} ms:\n${outcome.stderr}`).toBeNull();
  expect(outcome.stderr.trimEnd().split('\n'), 'one line').toHaveLength(1);
  expect(outcome.stderr).toMatch(/^concertina: .+\n$/);
  for (const part of parts) expect(outcome.stderr).toMatch(typeof part === 'string' ? new RegExp(escaped(part)) : part);
  expect(outcome.stdout).toBe('');
  expect(outcome.code, outcome.stderr).toBe(code);
  expect(outcome.stderr, 'no stack trace').not.toMatch(/\s+at .+:\d+:\d+/);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** The table without the times and ages that depend on when it was asked for. */
function timeless(table: string): string {
  return table.replaceAll(/not before \d\d:\d\d:\d\d/g, 'not before …').replaceAll(/ +\d+s {3}/g, ' …s   ');
}

async function file(name: string, text: string): Promise<string> {
  const target = path.join(folder, name);
  await writeFile(target, text);
  return target;
}

function kubeconfig(server: string | undefined, user: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: server === undefined ? {} : { server } }],
    users: [{ name: 'jane', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'jane' } }],
    'current-context': 'x',
  });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'concertina-cli-'));
  bundle = await bundleForTest();
});

afterAll(async () => {
  await bundle.remove();
  await rm(folder, { recursive: true, force: true });
});

const clusterCommands = ['run', 'recommend', 'snapshot'] as const;

describe.each(clusterCommands)('concertina %s with a kubeconfig that is', (command) => {
  // Port 0: if it came that far, `run` would take a free one.
  const flags = command === 'run' ? ['--health-address', '127.0.0.1:0'] : [];
  const refused = async (config: string, parts: readonly (string | RegExp)[], more: readonly string[] = []): Promise<void> => {
    expectRefusal(await concertina([command, '--kubeconfig', config, ...flags, ...more]), 1, parts);
  };

  it('missing', async () => {
    await refused('/no/such/kubeconfig', ['/no/such/kubeconfig does not exist; check the path in --kubeconfig', '[KUBECONFIG_INVALID]']);
  });

  it('nowhere to be found', async () => {
    expectRefusal(await concertina([command, ...flags]), 1, [
      'no kubeconfig was found: neither --kubeconfig nor $KUBECONFIG is set',
      '; check',
    ]);
  });

  it('a directory', async () => {
    await mkdir(path.join(folder, 'folder'), { recursive: true });
    await refused('folder', [`${folder}/folder is a directory; check the path in --kubeconfig`]);
  });

  it('broken', async () => {
    await refused(await file('broken.yaml', 'clusters: ['), [`${folder}/broken.yaml is not valid YAML: `, 'at line 1', '; check']);
    await refused(await file('empty.yaml', ''), [`${folder}/empty.yaml is empty; check`]);
  });

  it('without the context that was asked for', async () => {
    const config = await file('context.yaml', kubeconfig('http://127.0.0.1:1'));
    await refused(config, [`${config} has no context "prod", it has "x"; check`, 'kubectl config get-contexts'], ['--context', 'prod']);
    // As in kubectl the last of a repeated flag counts, rather than none.
    await refused(config, [`${config} has no context "prod"`], ['--context', 'x', '--context', 'prod']);
  });

  it('without a server', async () => {
    const config = await file('serverless.yaml', kubeconfig(undefined));
    await refused(config, [`cluster "c" of ${config} has no server; check`]);
  });

  it('with a client certificate whose file is missing', async () => {
    const config = await file('nocert.yaml', kubeconfig('https://127.0.0.1:1', { 'client-certificate': 'a.crt', 'client-key': 'a.key' }));
    const sentence = `${folder}/a.crt, the client-certificate of user "jane" in ${config}, does not exist; correct the path in that kubeconfig`;
    await refused(config, [sentence, '[KUBECONFIG_INVALID]']);
  });

  it('with a client certificate that has expired', async () => {
    const old = makeCertificate({ cn: 'jane', notAfter: new Date('2024-05-06T07:08:09Z') });
    await file('old.crt', old.cert);
    await file('old.key', old.key);
    const user = { 'client-certificate': 'old.crt', 'client-key': 'old.key' };
    await refused(await file('expired.yaml', kubeconfig('https://127.0.0.1:1', user)), [
      `the client certificate of user "jane" (${folder}/old.crt) expired on 2024-05-06T07:08:09.000Z`,
      '; log in again or renew the certificate',
      '[CREDENTIALS_EXPIRED]',
    ]);
  });
});

describe('a server that does not help', () => {
  let server: Server;
  let silent: TcpServer;
  const sockets: Socket[] = [];
  let url: string;
  let silentUrl: string;
  let answer: { status: number; type: string; body: string };
  const refusal = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 };

  beforeAll(async () => {
    server = createServer((_, response) => response.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    silent = createTcpServer((socket) => void sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  describe.each(clusterCommands)('ends concertina %s when it', (command) => {
    const flags = command === 'run' ? ['--health-address', '127.0.0.1:0'] : [];

    it('refuses the token', async () => {
      answer = { status: 401, type: 'application/json', body: JSON.stringify(refusal) };
      const config = await file(`token-${command}.yaml`, kubeconfig(url, { token: 'expired-token' }));
      const outcome = await concertina([command, '--kubeconfig', config, ...flags]);
      expectRefusal(outcome, 1, [
        `context "x" of ${config}: ${url} refused the credentials`,
        '; log in again',
        'user "jane"',
        '[CREDENTIALS_EXPIRED]',
      ]);
      expect(outcome.stderr, 'a token is a secret').not.toContain('expired-token');
    });

    it('is something else, which answers with HTML', async () => {
      answer = { status: 200, type: 'text/html', body: '<html>Log in</html>' };
      const config = await file(`html-${command}.yaml`, kubeconfig(url));
      const parts = [`context "x" of ${config}: ${url} is not answering as an API server`, 'an HTML page', 'is there a proxy in between?'];
      expectRefusal(await concertina([command, '--kubeconfig', config, ...flags]), 1, [...parts, '[API_ANSWER_INVALID]']);
    });
  });

  describe.each(['recommend', 'snapshot'] as const)('ends concertina %s when it', (command) => {
    it('is not there', async () => {
      const config = await file(`closed-${command}.yaml`, kubeconfig('http://127.0.0.1:1'));
      expectRefusal(await concertina([command, '--kubeconfig', config]), 1, [
        `context "x" of ${config}: http://127.0.0.1:1 cannot be reached: the connection was refused; does the API server run at this address?`,
        '[API_UNREACHABLE]',
      ]);
    });

    it('is behind a load balancer without a backend, after a few tries', async () => {
      answer = { status: 503, type: 'text/html', body: '<html>no healthy upstream</html>' };
      const config = await file(`balancer-${command}.yaml`, kubeconfig(url));
      const parts = [
        `context "x" of ${config}: ${url} is not answering as an API server`,
        'status 503 and an HTML page',
        '[API_ANSWER_INVALID]',
      ];
      expectRefusal(await concertina([command, '--kubeconfig', config]), 1, parts);
    });

    it('takes the connection and never answers', async () => {
      const config = await file(`silent-${command}.yaml`, kubeconfig(silentUrl));
      const parts = [`${silentUrl} did not answer within 5 s; check the address`, '[API_UNREACHABLE]'];
      expectRefusal(await concertina([command, '--kubeconfig', config]), 1, parts);
    });
  });

  it.each([
    ['is not there', () => 'http://127.0.0.1:1', 'the connection was refused'],
    ['never answers', () => silentUrl, 'did not answer within 5 s'],
    ['is behind a load balancer without a backend', () => url, 'was answered with status 503 and an HTML page'],
  ])('keeps concertina run waiting when it %s, and that is said once', async (name, address, words) => {
    answer = { status: 503, type: 'text/html', body: '<html>no healthy upstream</html>' };
    const config = await file(`run-${name.length}.yaml`, kubeconfig(address()));
    const said = 'cannot be reached; it is tried again until it answers';
    const outcome = await concertina(['run', '--kubeconfig', config, '--health-address', '127.0.0.1:0'], { stopAt: said, limit: 15_000 });
    const lines = outcome.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; msg: string; error?: string });
    const severe = lines.filter(({ level }) => level !== 'info');
    expect(severe, outcome.stderr).toHaveLength(1);
    expect(severe[0]).toMatchObject({ level: 'error', error: expect.stringContaining(words) as unknown });
    expect(severe[0]?.error).toContain(`context "x" of ${config}`);
    expect(outcome.stdout).toBe('');
    expect([outcome.code, outcome.signal], 'SIGTERM ends it in order').toEqual([0, null]);
  });
});

describe('words and settings', () => {
  const usage: [string, string[], string[], Record<string, string>?][] = [
    ['no command', [], ['name a command; `concertina --help` lists them']],
    [
      'an unknown command',
      ['recomend'],
      ['"recomend" is not a command (did you mean recommend?); concertina has run, recommend, explain, snapshot, doctor, sources, demo'],
    ],
    [
      'an unknown flag',
      ['run', '--cooldown-scale-upp=3m'],
      ['--cooldown-scale-upp is not a flag (did you mean --cooldown-scale-up?)', '; `concertina run --help`'],
    ],
    ['a flag of another command', ['recommend', '--dry-run'], ['--dry-run is not a flag', '; `concertina recommend --help`']],
    ['a stray word', ['snapshot', 'cluster.json'], ['"cluster.json" has no meaning here; `concertina snapshot --help`']],
    ['a flag without its value', ['run', '--kubeconfig='], ['--kubeconfig has no value; give one or leave the flag out']],
    ['an empty namespace', ['recommend', '-n', ''], ['-n has no value; give one']],
    ['a switch that is neither', ['run', '--dry-run=yes'], ['--dry-run "yes" is not true or false; write --dry-run']],
    [
      'another output',
      ['recommend', '-o', 'yaml'],
      ['--output "yaml" is not one of "table", "wide", "trace", "json", "csv", "markdown"; `concertina recommend --help`'],
    ],
    [
      'a wrong duration',
      ['run', '--cooldown-scale-up=soon'],
      ['cooldown.scaleUp (--cooldown-scale-up): "soon" is not a duration: write 90s'],
    ],
    [
      'a number out of range',
      ['run', '--hpa-workers', '0'],
      ['hpa.workers (--hpa-workers): 0 is not a whole number from 1 to 100; `--help`'],
    ],
    ['an unknown level', ['run', '--log-level=loud'], ['log.level (--log-level): "loud" is not one of debug, info, warn, error, silent;']],
    [
      'a wrong address',
      ['run', '--health-address=:99999'],
      ['health.address (--health-address): ":99999" is not HOST:PORT, such as 127.0.0.1:8080;'],
    ],
    [
      'settings that contradict',
      ['run', '--leader-election-renew-deadline=20s'],
      ['renewDeadline must be shorter than leaseDuration; `--help`'],
    ],
    [
      'an unknown variable',
      ['recommend'],
      ['$CONCERTINA_HPA_WORKER is not a setting, did you mean CONCERTINA_HPA_WORKERS?'],
      { CONCERTINA_HPA_WORKER: '3' },
    ],
    [
      'a wrong variable',
      ['recommend'],
      ['hpa.tolerance ($CONCERTINA_HPA_TOLERANCE): "much" is not a number from 0 to 1'],
      { CONCERTINA_HPA_TOLERANCE: 'much' },
    ],
    [
      'a configuration file that is missing',
      ['run', '--config', '/no/such/config.yaml'],
      ['configuration file /no/such/config.yaml cannot be read', '; check the path in --config'],
    ],
  ];

  it.each(usage)('%s', async (_, args, parts, env = {}) => {
    expectRefusal(await concertina(args, { env }), 2, parts);
  });

  it('an unknown key and a broken document in --config', async () => {
    const unknown = await file('unknown.yaml', 'hpa:\n  worker: 3\n');
    expectRefusal(await concertina(['run', '--config', unknown]), 2, [`hpa.worker (${unknown}): is not a setting, did you mean workers?`]);
    const broken = await file('broken-config.yaml', 'hpa: [');
    expectRefusal(await concertina(['run', '--config', broken]), 2, [`${broken} is not YAML or JSON: `, '; `--help`']);
  });

  it('a health address that is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    const config = await file('taken.yaml', kubeconfig('http://127.0.0.1:1'));
    const outcome = await concertina(['run', '--kubeconfig', config, '--health-address', address]);
    other.close();
    const said = outcome.stderr.split('\n').filter((line) => line.startsWith('concertina: '));
    expect(said, outcome.stderr).toEqual([
      `concertina: health cannot be served on ${address}: another program listens there; choose another --health-address [CONFIG_INVALID]`,
    ]);
    expect(outcome.code).toBe(2);
  });
});

describe('on the embedded cluster over HTTP', () => {
  let cluster: EmbeddedCluster;
  let config: string;
  const mutating: string[] = [];

  beforeAll(async () => {
    cluster = await startEmbeddedCluster({
      clock: realClock,
      random: seededRandom(11),
      nodes: [{ name: 'node-a', cpu: 16, memory: '32Gi' }],
      fleet: { tickMs: 500, housekeepingMs: 1000 },
      metricsResolutionMs: 5_000,
    });
    config = await file('embedded.yaml', kubeconfig(await cluster.listen()));
    const client = cluster.client('test');
    for (const crd of concertinaCrds()) await client.create(resourceTypes.customResourceDefinitions, crd);
    await client.create(resourceTypes.namespaces, { metadata: { name: 'concertina-system' } });
    for (const [namespace, load] of [
      ['shop', 180],
      ['blog', 40],
    ] as const) {
      await client.create(resourceTypes.namespaces, { metadata: { name: namespace } });
      await client.create(resourceTypes.deployments, deployment(namespace, 2));
      setCpuLoad(cluster.workload, { namespace, milli: load });
      await client.create(resourceTypes.horizontalPolicies, policy(namespace));
    }
    const lost = policy('blog', { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'lost' } });
    await client.create(resourceTypes.horizontalPolicies, { ...lost, metadata: { name: 'lost', namespace: 'blog' } });
    cluster.api.onAudit((record) => {
      const agent = record.userAgent ?? '';
      if (agent.startsWith('concertina/') && !['get', 'list', 'watch'].includes(record.verb))
        mutating.push(`${record.verb} ${record.type.plural} by ${agent}`);
    });
  });
  afterAll(() => cluster.stop());

  const ask = (...args: string[]): Promise<Outcome> => concertina([...args, '--kubeconfig', config], { limit: 30_000 });

  it('recommends the same from a snapshot as live, in all forms', { timeout: 180_000 }, async () => {
    const saved = path.join(folder, 'cluster.json');
    let live: Outcome | undefined;
    // Usage is measured every 5 s: what is compared must fall between two measurements.
    for (let tries = 0; tries < 12; tries++) {
      const before = await ask('recommend');
      const taken = await ask('snapshot', '-o', saved);
      expect(taken).toMatchObject({ code: 0, stdout: '' });
      expect(taken.stderr).toMatch(/cluster\.json: 3 policies, 4 pods, 1 nodes, \d+ bytes/);
      const after = await ask('recommend');
      expect(after.code, after.stderr).toBe(0);
      if (timeless(before.stdout) === timeless(after.stdout) && /hpol\/web +Deployment\/web +2 +4/.test(after.stdout)) live = after;
      if (live !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    expect(live?.stdout, 'the load is seen').toMatch(/^NAMESPACE +POLICY +TARGET +NOW +SET +WANTED +METRIC +LIMITED +HELD +AGE +WHY\n/);
    const fromFile = (...args: string[]): Promise<Outcome> => concertina(['recommend', '--snapshot', saved, ...args]);
    const table = await fromFile();
    expect(timeless(table.stdout)).toBe(timeless(live?.stdout ?? ''));
    const { takenAt } = JSON.parse(await readFile(saved, 'utf8')) as { takenAt: number };
    const next = new Date(Math.ceil(takenAt / 1000) * 1000 + 180_000).toISOString().slice(11, 19);
    expect(table.stdout, 'as of the instant of the snapshot').toContain(`next scale-up not before ${next} (cooldown 3m)`);
    expect(table.stdout).toMatch(
      /^blog +hpol\/lost +Deployment\/lost .*Deployment blog\/lost does not exist; create it or correct spec.scaleTargetRef.name$/m,
    );

    const { version, items: json } = JSON.parse((await fromFile('-o', 'json')).stdout) as {
      version: number;
      items: {
        subject: { namespace: string; name: string };
        from: number;
        to: number;
        trace: { step: string; message: string }[];
      }[];
    };
    expect(version).toBe(1);
    expect(json.map(({ subject }) => `${subject.namespace}/${subject.name}`)).toEqual(['blog/lost', 'blog/web', 'shop/web']);
    const shop = json[2];
    expect([shop?.from, shop?.to]).toEqual([2, 4]);
    expect(shop?.trace.length).toBeGreaterThan(1);
    for (const step of shop?.trace ?? []) expect(step.message).not.toBe('');

    const trace = (await fromFile('-o', 'trace', '-n', 'shop')).stdout;
    expect(trace).toMatch(/^HorizontalPolicy shop\/web: /);
    expect(trace).not.toContain('blog');
    const one = (await fromFile('-n', 'shop')).stdout.trimEnd().split('\n');
    expect(one).toHaveLength(2);
    const liveOne = await ask('recommend', '--namespace', 'shop');
    expect(liveOne.stdout.trimEnd().split('\n')).toHaveLength(2);
    expect((await fromFile('-n', 'nowhere')).stdout).toMatch(/^There is no HorizontalPolicy/);
    expect(mutating).toEqual([]);
  });

  it('says of a snapshot that cannot be used what is wrong with it', { timeout: 120_000 }, async () => {
    const whole = await ask('snapshot');
    expect(whole.code, whole.stderr).toBe(0);
    const refused = async (name: string, text: string, parts: readonly string[]): Promise<void> => {
      const snapshot = await file(name, text);
      expectRefusal(await concertina(['recommend', '--snapshot', snapshot]), 1, [snapshot, ...parts, '[SNAPSHOT_INVALID]']);
    };
    const again = '; take it again with `concertina snapshot`';
    const half = whole.stdout.slice(0, whole.stdout.length / 2);
    await refused('cut.json', half, [`cannot be used: it is cut short after ${half.length} bytes${again}`]);
    await refused('unfinished.json', whole.stdout.replace(/,"complete":true\}\s*$/, '}'), ['complete', again]);
    await refused('kind.json', '{"kind":"PodList"}', [`its kind is "PodList", not "ConcertinaSnapshot"${again}`]);
    await refused('newer.json', whole.stdout.replace('"version":1', '"version":9'), [
      `it has version 9, this program reads version 1${again}`,
    ]);
    await refused('empty.json', '', [again]);
    await refused('shape.json', whole.stdout.replace(/"takenAt":\d+/, '"takenAt":"today"'), ['takenAt: ', again]);
    expectRefusal(await concertina(['recommend', '--snapshot', '/no/such.json']), 1, [
      'snapshot /no/such.json cannot be read',
      '; check the path in --snapshot',
    ]);
    const unwritable = await concertina(['snapshot', '--kubeconfig', config, '-o', '/no/such/folder/x.json']);
    expectRefusal(unwritable, 1, ['snapshot /no/such/folder/x.json cannot be written', '; choose another --output']);
  });

  it('a dry run decides and writes nothing at all', async () => {
    const replicas = async (): Promise<number> =>
      (await cluster.client('test').getScale(resourceTypes.deployments, { namespace: 'shop', name: 'web' })).specReplicas;
    expect(await replicas()).toBe(2);
    const flags = [
      '--dry-run',
      '--health-address',
      '127.0.0.1:0',
      '--hpa-sync-period=1s',
      '--metrics-poll-interval=1s',
      '--log-level=debug',
    ];
    const outcome = await concertina(['run', '--kubeconfig', config, ...flags], { stopAt: 'shop/web', limit: 40_000 });
    expect(outcome.stderr).toMatch(/"policy":"shop\/web"/);
    expect(outcome.stderr).toContain('dry run: nothing will be written');
    expect([outcome.code, outcome.signal], outcome.stderr).toEqual([0, null]);
    expect(mutating).toEqual([]);
    expect(await replicas()).toBe(2);
    const leases = await cluster.client('test').list(resourceTypes.leases, { namespace: 'concertina-system' });
    expect(leases.items).toEqual([]);
    const stored = await cluster.client('test').get(resourceTypes.horizontalPolicies, { namespace: 'shop', name: 'web' });
    expect(stored.status ?? {}).toEqual({});
  });

  it('a snapshot holds no secret of a pod', async () => {
    const client = cluster.client('test');
    await client.create(resourceTypes.pods, {
      metadata: { name: 'secretive', namespace: 'blog', annotations: { note: 'hush-annotation' } },
      spec: { containers: [{ name: 'c', image: 'i:1', command: ['hush-command'], env: [{ name: 'PASSWORD', value: 'hush-variable' }] }] },
    });
    const saved = path.join(folder, 'secretive.json');
    expect((await ask('snapshot', '-o', saved)).code).toBe(0);
    const text = await readFile(saved, 'utf8');
    expect(text).toContain('secretive');
    expect(text).not.toContain('hush');
  });
});
