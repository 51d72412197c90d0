import { houseEngine } from '../../cluster-autoscaler/index.ts';
import type { DeletionOptions } from './nodes-deletions.ts';
import { granted, type Effect, type GroupOptions, type LoopInput, type LoopOptions, type LoopReport } from './nodes-loop.ts';
import { createPathMeter, type PathFigures } from './nodes-meter.ts';
import type { PlacementRule } from './nodes-placement.ts';
import { loopSeconds, type NodesScene } from './nodes-scene.ts';
import { createNodesWorld, type NodesWorld } from './nodes-world.ts';

/** How the autoscaler is set, and how long the scene is played. */
export interface PlayOptions {
  readonly loop: LoopOptions;
  readonly group: GroupOptions;
  readonly deletion: DeletionOptions;
  readonly placement: PlacementRule;
  /** Seconds that the world goes on, without doings of its own, after the scene's end; whole tens. */
  readonly tail: number;
  /** See `NodesWorldOptions`. */
  readonly intentLead?: number | undefined;
  readonly observe?: ((loop: PlayedLoop) => void) | undefined;
}

/** One loop of a played scene. */
export interface PlayedLoop {
  /** Seconds. */
  readonly t: number;
  readonly input: LoopInput;
  readonly effects: readonly { readonly effect: Effect; readonly ok: boolean }[];
  readonly report: LoopReport;
  readonly world: NodesWorld;
}

/** Lets the node controller's loop run in a scene, every ten seconds, and says what its path cost. */
export function playNodes(scene: NodesScene, options: PlayOptions): PathFigures {
  const meter = createPathMeter();
  const { group, deletion, placement, intentLead } = options;
  const world = createNodesWorld(scene, { group, deletion, placement, meter, intentLead });
  const end = scene.end + options.tail;
  let state = houseEngine.empty();
  let stale: ReadonlySet<string> = new Set();
  for (let t = loopSeconds; t <= end; t += loopSeconds) {
    world.advance(t);
    const input = world.input(stale);
    const effects: { effect: Effect; ok: boolean }[] = [];
    const loop = houseEngine.run(input, state, options.loop);
    let step = loop.next();
    while (step.done !== true) {
      const effect = step.value;
      // Where others could have their turn: there are none here.
      if (effect.type === 'pause') {
        step = loop.next(granted);
        continue;
      }
      const result = world.answer(effect);
      effects.push({ effect, ok: result.ok });
      step = loop.next(result);
    }
    options.observe?.({ t, input, effects, report: step.value.report, world });
    state = step.value.state;
    stale = new Set(step.value.report.refreshInstances);
  }
  return meter.figures(end);
}
