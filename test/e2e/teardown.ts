/** What a suite has started, taken down in the reverse order; a step that fails is told and does not keep the others up. */
export interface Teardown {
  add(step: () => Promise<unknown>): void;
  run(): Promise<void>;
}

export function createTeardown(): Teardown {
  const steps: (() => Promise<unknown>)[] = [];
  return {
    add: (step) => void steps.unshift(step),
    run: async () => {
      for (const step of steps.splice(0)) await step().catch((error: unknown) => console.error(error));
    },
  };
}
