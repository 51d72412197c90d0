import { describe, expect, it } from 'vitest';
import { failureOfMessage } from './failure-code.ts';

describe('what a failed activity says', () => {
  it.each([
    [
      'We currently do not have sufficient m5.large capacity in the Availability Zone you requested (us-east-1a). Our system will be working on provisioning additional capacity. Launching EC2 instance failed.',
      'InsufficientInstanceCapacity',
      'out-of-resources',
    ],
    [
      'Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that matches your request. Launching EC2 instance failed.',
      'InsufficientInstanceCapacity',
      'out-of-resources',
    ],
    [
      'You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit. Launching EC2 instance failed.',
      'VcpuLimitExceeded',
      'out-of-resources',
    ],
    [
      'Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit of 0 allows. Launching EC2 instance failed.',
      'VcpuLimitExceeded',
      'out-of-resources',
    ],
    [
      'Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count exceeded.',
      'MaxSpotInstanceCountExceeded',
      'out-of-resources',
    ],
    ['Max spot instance count exceeded. Launching EC2 instance failed.', 'MaxSpotInstanceCountExceeded', 'out-of-resources'],
    [
      'Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request configuration.',
      'UnfulfillableCapacity',
      'out-of-resources',
    ],
    [
      'Your requested instance type (m7i.large) is not supported in your requested Availability Zone (us-east-1e).',
      'Unsupported',
      'out-of-resources',
    ],
    [
      "There are not enough free addresses in subnet 'subnet-1' to satisfy the requested number of instances.",
      'InsufficientFreeAddressesInSubnet',
      'out-of-resources',
    ],
    ["The image id '[ami-1]' does not exist. Launching EC2 instance failed.", 'InvalidAMIID.NotFound', 'other'],
    [
      'The specified launch template, with template ID lt-1, does not exist. Launching EC2 instance failed.',
      'InvalidLaunchTemplateId.NotFound',
      'other',
    ],
    ['You are not authorized to perform this operation. Encoded authorization failure message: x', 'UnauthorizedOperation', 'other'],
    ['Client.InternalError: Client error on launch.', 'Client.InternalError', 'other'],
    ['Something that nobody has seen before.', 'placeholder-cannot-be-fulfilled', 'out-of-resources'],
    ['', 'placeholder-cannot-be-fulfilled', 'out-of-resources'],
  ])('%s', (message, code, kind) => {
    expect(failureOfMessage(message, false)).toMatchObject({ code, class: kind });
    // Upstream knows one class.
    expect(failureOfMessage(message, true)).toMatchObject({ code, class: 'out-of-resources' });
  });

  it('is cut when it is very long, and never empty', () => {
    expect(failureOfMessage('x'.repeat(10_000), false).message).toHaveLength(401);
    expect(failureOfMessage(undefined, false).message).not.toBe('');
  });
});
