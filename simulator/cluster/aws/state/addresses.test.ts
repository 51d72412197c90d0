import { describe, expect, it } from 'vitest';
import { AddressPlan, privateDnsName } from './addresses.ts';

describe('addresses of instances', () => {
  it('are each in use once, and come again only when all others have been used', () => {
    const plan = new AddressPlan();
    const all = Array.from({ length: 65_531 }, () => plan.take(1));
    expect(new Set(all).size).toBe(65_531);
    expect([all[0], all.at(-1)]).toEqual(['10.1.0.4', '10.1.255.254']);
    expect(() => plan.take(1)).toThrow('10.1.0.0/16 has no free address');
    plan.free('10.1.7.7');
    expect(plan.take(1)).toBe('10.1.7.7');
    expect(plan.take(2)).toBe('10.2.0.4');
  });

  it('that are free again are not the next to be given', () => {
    const plan = new AddressPlan();
    plan.free(plan.take(0));
    expect(plan.take(0)).toBe('10.0.0.5');
  });

  it('make names as EC2 does', () => {
    expect(privateDnsName('10.0.0.6', 'us-east-1')).toBe('ip-10-0-0-6.ec2.internal');
    expect(privateDnsName('10.0.0.6', 'eu-west-1')).toBe('ip-10-0-0-6.eu-west-1.compute.internal');
  });
});
