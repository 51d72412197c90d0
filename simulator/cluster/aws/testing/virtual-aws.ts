import { AutoScaling } from '@aws-sdk/client-auto-scaling';
import { EC2 } from '@aws-sdk/client-ec2';
import { VirtualClock } from '../../../../core/runtime/clock.ts';
import { seededRandom } from '../../../../core/runtime/random.ts';
import { createAwsEndpoint, type AwsEndpoint, type AwsEndpointOptions, type AwsTiming } from '../index.ts';

/** Round numbers, so that tests can say when. */
export const fixedTiming: AwsTiming = {
  reaction: 2000,
  boot: 20_000,
  shutdown: 30_000,
  retry: 60_000,
  healthCheck: 40_000,
  rebalance: 300_000,
  retention: 3_600_000,
};

export interface VirtualAws {
  readonly clock: VirtualClock;
  readonly aws: AwsEndpoint;
  readonly autoScaling: AutoScaling;
  readonly ec2: EC2;
}

/** An AWS in virtual time with clients of the real SDK on it. */
export function virtualAws(options: Partial<AwsEndpointOptions> = {}): VirtualAws {
  const clock = new VirtualClock();
  const aws = createAwsEndpoint({ random: seededRandom('aws'), ...options, clock, timing: { ...fixedTiming, ...options.timing } });
  clock.useSettle(() => aws.settle());
  return { clock, aws, ...sdkClients({ requestHandler: aws.requestHandler() }) };
}

/** Clients that ask nobody for credentials and do not try again. */
export function sdkClients(
  more: Pick<NonNullable<ConstructorParameters<typeof AutoScaling>[0]>, 'requestHandler'> & { readonly endpoint?: string },
): { readonly autoScaling: AutoScaling; readonly ec2: EC2 } {
  const config = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, maxAttempts: 1, ...more };
  return { autoScaling: new AutoScaling(config), ec2: new EC2(config) };
}

/** What a call of the SDK was refused with. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ readonly name: string; readonly message: string; readonly status: number | undefined }> {
  try {
    await call;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } };
    return { name, message, status: $metadata?.httpStatusCode };
  }
  throw new Error('the call was not refused');
}
