/** A cloud in memory. */
export {
  createSimulatedProvider,
  type SimulatedGroup,
  type SimulatedMachine,
  type SimulatedProvider,
  type SimulatedProviderOptions,
} from './provider.ts';
