import { sleep } from '../../../core/model/clock.ts';
import type { Clock, Random, Timer } from '../../../core/model/clock.ts';
import type { KubeletFleet, NodeScrape } from '../kubelet/index.ts';

/** Where the numbers of nodes come from; a rejected or thrown scrape is a node that does not answer. */
export interface ScrapeSource {
  scrape(node: string): NodeScrape | Promise<NodeScrape>;
}

/** The counters of a fleet in this process, without HTTP and text. */
export function fleetScrapes(fleet: Pick<KubeletFleet, 'scrape'>): ScrapeSource {
  return { scrape: (node) => fleet.scrape(node) };
}

export interface ScraperOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly source: ScrapeSource;
  /** Names of the nodes that there are now. */
  readonly nodes: () => readonly string[];
  readonly resolutionMs: number;
  readonly timeoutMs: number;
  /** What one round brought. */
  readonly onRound: (round: readonly NodeScrape[]) => void;
}

/** Scrapes are spread over this much per node… */
const staggerPerNodeMs = 8;
/** …but over no more than this. */
const maxStaggerMs = 4000;
/** Nodes whose turns lie so close together are asked in one go. */
const slotMs = 50;

/** Asks every node once per resolution, at random moments early in the cycle, and hands a round over when all have answered or failed. */
export class Scraper {
  readonly #options: ScraperOptions;
  #timer: Timer | undefined;
  #stopped = true;
  #abort = new AbortController();
  /** End of the last complete round. */
  lastRoundAt: number | undefined;

  constructor(options: ScraperOptions) {
    this.#options = options;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#abort = new AbortController();
    this.#next(this.#options.clock.now());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#abort.abort();
  }

  #next(at: number): void {
    if (this.#stopped) return;
    const { clock, resolutionMs } = this.#options;
    this.#timer = clock.setTimeout(() => {
      void this.#round();
      this.#next(at + resolutionMs);
    }, at - clock.now());
  }

  async #round(): Promise<void> {
    const { clock, random, nodes, onRound } = this.#options;
    const names = nodes();
    const spread = Math.min(maxStaggerMs, staggerPerNodeMs * names.length);
    const slots = new Map<number, string[]>();
    for (const name of names) {
      const slot = Math.floor((random() * spread) / slotMs);
      const list = slots.get(slot);
      if (list === undefined) slots.set(slot, [name]);
      else list.push(name);
    }
    const startedAt = clock.now();
    const results: Promise<NodeScrape | undefined>[] = [];
    for (const [slot, list] of [...slots].sort(([left], [right]) => left - right)) {
      const wait = startedAt + slot * slotMs - clock.now();
      if (wait > 0) await sleep(clock, wait, this.#abort.signal);
      if (this.#abort.signal.aborted) return;
      for (const name of list) results.push(this.#scrape(name));
    }
    const round = await Promise.all(results);
    if (this.#abort.signal.aborted) return;
    this.lastRoundAt = clock.now();
    onRound(round.filter((scrape) => scrape !== undefined));
  }

  async #scrape(name: string): Promise<NodeScrape | undefined> {
    try {
      const answer = this.#options.source.scrape(name);
      return answer instanceof Promise ? await this.#bounded(answer) : answer;
    } catch {
      return undefined;
    }
  }

  async #bounded(answer: Promise<NodeScrape>): Promise<NodeScrape | undefined> {
    const done = new AbortController();
    const timeout = sleep(this.#options.clock, this.#options.timeoutMs, done.signal).then(() => undefined);
    try {
      return await Promise.race([answer.catch(() => undefined), timeout]);
    } finally {
      done.abort();
    }
  }
}
