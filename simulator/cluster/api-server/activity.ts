/** What a virtual clock must wait for before time may move. */
export interface ActivityView {
  /** Requests and background work under way; open watches and work that waits for the clock are not counted. */
  readonly inFlight: number;
  /** Moves at every start and end of work and for every watch chunk delivered. */
  readonly counter: number;
}

/** Turns of the event loop without any movement after which everything is taken to be at rest. */
const quietTurns = 4;

/** Counts the work of the API server and of its clients in process. */
export class Activity {
  #inFlight = 0;
  #counter = 0;

  view(): ActivityView {
    return { inFlight: this.#inFlight, counter: this.#counter };
  }

  /** Notes that something moved (a watch chunk was delivered). */
  touch(): void {
    this.#counter += 1;
  }

  /** Work begins; the answer ends it and may be called more than once. */
  begin(): () => void {
    this.#inFlight += 1;
    this.#counter += 1;
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#inFlight -= 1;
      this.#counter += 1;
    };
  }

  async track<T>(work: () => Promise<T>): Promise<T> {
    const end = this.begin();
    try {
      return await work();
    } finally {
      end();
    }
  }

  /**
   * Waits within counted work for something that only the clock brings about (an injected latency): not counted meanwhile, else
   * a virtual clock that waits for rest would wait for ever.
   */
  async park<T>(wait: () => Promise<T>): Promise<T> {
    this.#inFlight -= 1;
    this.#counter += 1;
    try {
      return await wait();
    } finally {
      this.#inFlight += 1;
      this.#counter += 1;
    }
  }

  /** Resolves when nothing is in flight and nothing has moved for several turns of the event loop. */
  async settle(): Promise<void> {
    let seen = this.#counter;
    for (let quiet = 0; quiet < quietTurns;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#inFlight === 0 && this.#counter === seen) {
        quiet += 1;
      } else {
        quiet = 0;
        seen = this.#counter;
      }
    }
  }
}
