import { Environment } from '@marcbachmann/cel-js';
import { registerLists, registerSets } from './list-functions.ts';
import { registerNetwork } from './network-functions.ts';
import { registerQuantities } from './quantity-functions.ts';
import { registerStrings } from './string-functions.ts';
import { registerTimes } from './time-functions.ts';

/**
 * CEL with the functions that the API server adds to it. Made once; `clone()` it before registering variables or types.
 * Literals of mixed types are allowed, because `format()` needs them.
 */
export const kubernetesCel: Environment = createEnvironment();

function createEnvironment(): Environment {
  const env = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  registerTimes(env);
  registerQuantities(env);
  registerLists(env);
  registerSets(env);
  registerStrings(env);
  registerNetwork(env);
  return env;
}
