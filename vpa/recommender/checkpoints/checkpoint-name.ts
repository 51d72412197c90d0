import { createHash } from 'node:crypto';

/** Longest name of an object. */
const maxNameLength = 253;
const digestLength = 10;

/** `<policy>-<container>`: upstream's name of a checkpoint. */
export function checkpointName(policy: string, container: string): string {
  return `${policy}-${container}`;
}

/**
 * The name where upstream's is too long, or another policy's checkpoint has it (`a-b` + `c` and `a` + `b-c`): the same, cut, with a digest of both parts. It is
 * found again by its spec, which names policy and container.
 */
export function distinctCheckpointName(policy: string, container: string): string {
  const digest = createHash('sha256').update(`${policy}\0${container}`).digest('hex').slice(0, digestLength);
  const head = checkpointName(policy, container).slice(0, maxNameLength - digestLength - 1);
  return `${head.replace(/[-.]+$/, '')}-${digest}`;
}

export function fitsName(name: string): boolean {
  return name.length <= maxNameLength;
}
