/** What a failed scaling activity says: AWS puts its reason into a sentence (§16). Pure. */
import type { ProviderFailure } from '../../../engine/model.ts';

/** Upstream's only code; ours where the sentence tells none. */
export const unfulfillable = 'placeholder-cannot-be-fulfilled';

/** Sentences that carry no code of their own; the first that matches names it. */
const sentences: readonly (readonly [RegExp, string])[] = [
  [/do not have sufficient .*capacity/i, 'InsufficientInstanceCapacity'],
  [/insufficient (?:instance )?capacity|no spot capacity available/i, 'InsufficientInstanceCapacity'],
  [/more vcpu capacity than your current vcpu limit/i, 'VcpuLimitExceeded'],
  [/max spot instance count exceeded/i, 'MaxSpotInstanceCountExceeded'],
  [/your quota allows for \d+ more running instance/i, 'InstanceLimitExceeded'],
  [/not enough free addresses in subnet|insufficient free addresses/i, 'InsufficientFreeAddressesInSubnet'],
  [/spot (?:request )?price.* lower than the minimum/i, 'SpotMaxPriceTooLow'],
  [/unable to fulfill capacity/i, 'UnfulfillableCapacity'],
  [/capacity reservation.*(?:exceed|insufficient)|insufficient capacity reservation/i, 'ReservationCapacityExceeded'],
  [/maximum number of (?:gp2|gp3|io1|io2|st1|sc1|volume)/i, 'VolumeLimitExceeded'],
  [/not supported in your requested availability zone|configuration is currently not supported/i, 'Unsupported'],
  [/launch template.* does not exist/i, 'InvalidLaunchTemplateId.NotFound'],
  [/image id .* does not exist/i, 'InvalidAMIID.NotFound'],
  [/security group .* does not exist/i, 'InvalidGroup.NotFound'],
  [/key pair .* does not exist/i, 'InvalidKeyPair.NotFound'],
  [/not authorized to perform|access denied/i, 'UnauthorizedOperation'],
  [/client error on launch/i, 'Client.InternalError'],
];

/** `… Instances. SomeCode - Some sentence.`, as AWS writes for mixed instances policies. */
const spelled = /(?:^|\. )([A-Z][A-Za-z]+(?:\.[A-Za-z]+)*) - /;

/** Codes for which there may be room later, or elsewhere: capacity and quotas. */
const capacityCodes = new Set([
  'InsufficientInstanceCapacity',
  'InsufficientHostCapacity',
  'InsufficientCapacity',
  'InsufficientCapacityOnOutpost',
  'InsufficientReservedInstanceCapacity',
  'InsufficientFreeAddressesInSubnet',
  'InsufficientAddressCapacity',
  'InsufficientVolumeCapacity',
  'ReservationCapacityExceeded',
  'UnfulfillableCapacity',
  'VcpuLimitExceeded',
  'InstanceLimitExceeded',
  'VolumeLimitExceeded',
  'MaxIOPSLimitExceeded',
  'MaxSpotInstanceCountExceeded',
  'MaxSpotFleetRequestCountExceeded',
  'SpotMaxPriceTooLow',
  // Of a type that a zone does not have: another group may do.
  'Unsupported',
  'UnsupportedOperation',
  unfulfillable,
]);

/** The code in an activity's StatusMessage; {@link unfulfillable} when there is none that we know. */
export function codeOfMessage(message: string): string {
  const code = spelled.exec(message)?.[1];
  if (code !== undefined) return code;
  return sentences.find(([pattern]) => pattern.test(message))?.[1] ?? unfulfillable;
}

/** Longest part of a message that is kept. */
const longestMessage = 400;

/**
 * The failure behind a StatusMessage. Upstream calls every one out of resources (`alwaysCapacity`); ours tells what a person has to mend from what
 * time or another group mends.
 */
export function failureOfMessage(message: string | undefined, alwaysCapacity: boolean): ProviderFailure {
  const text = message === undefined || message === '' ? 'AWS cannot provision any more instances for this group' : message;
  const code = codeOfMessage(text);
  return {
    class: alwaysCapacity || capacityCodes.has(code) ? 'out-of-resources' : 'other',
    code,
    message: text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text,
  };
}
