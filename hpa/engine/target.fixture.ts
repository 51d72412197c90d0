import { evaluationInput, now, queued, readyPods, usage } from './builders.fixture.ts';
import { conclude, type Conclusion } from './conclude.ts';
import { evaluate, type Evaluation } from './evaluate.ts';
import type { EvaluationInput, MetricResult, ScalingSpec } from './model.ts';

/** A target whose policy is evaluated again and again; what one evaluation remembers the next one reads. Every write succeeds. */
export class TestTarget {
  replicas: number;
  now = now;
  spec: ScalingSpec;
  #carried: Pick<EvaluationInput, 'state' | 'history' | 'status'>;

  constructor(spec: ScalingSpec, replicas: number) {
    this.spec = spec;
    this.replicas = replicas;
    this.#carried = {
      state: { recommendations: [], scaleUpEvents: [], scaleDownEvents: [] },
      history: {},
      status: { conditions: [], currentReplicas: replicas, desiredReplicas: replicas },
    };
  }

  /** Evaluates after so many seconds; numbers stand for milli-cores of each pod (Resource metrics) or for the length of a queue. */
  tick(seconds: number, results: readonly (MetricResult | number)[], overrides: Partial<EvaluationInput> = {}): Evaluation {
    this.now += seconds * 1000;
    const input = this.input(results, overrides);
    const evaluation = evaluate(input);
    const conclusion = conclude(input, evaluation, { kind: evaluation.write === undefined ? 'none' : 'written' });
    this.#remember(conclusion);
    this.replicas = evaluation.write ?? this.replicas;
    return evaluation;
  }

  input(results: readonly (MetricResult | number)[], overrides: Partial<EvaluationInput> = {}): EvaluationInput {
    const pods = readyPods(this.replicas);
    const measured = results.map((each, index): MetricResult => {
      if (typeof each !== 'number') return each;
      return this.spec.metrics[index]?.type === 'Resource' ? usage(pods, each) : queued(each);
    });
    const { spec, now: at } = this;
    return evaluationInput(this.replicas, 0, { pods, spec, now: at, results: measured, ...this.#carried, ...overrides });
  }

  get history() {
    return this.#carried.history;
  }

  get state() {
    return this.#carried.state;
  }

  /** `True/ScaledToZero` */
  condition(type: string): string | undefined {
    const found = this.#carried.status.conditions.find((each) => each.type === type);
    return found === undefined ? undefined : `${found.status}/${found.reason}`;
  }

  message(type: string): string | undefined {
    return this.#carried.status.conditions.find((each) => each.type === type)?.message;
  }

  /** A restart: memory is lost but for what the given state says. */
  restart(state: EvaluationInput['state']): void {
    this.#carried = { ...this.#carried, state };
  }

  #remember({ state, history, conditions, currentReplicas, desiredReplicas }: Conclusion): void {
    this.#carried = { state, history, status: { conditions, currentReplicas, desiredReplicas } };
  }
}
