import type { Random } from '../../../../core/model/clock.ts';

/** `i-0123456789abcdef0`: a prefix and 17 hexadecimal digits, as EC2 makes ids. */
export function resourceId(prefix: string, random: Random): string {
  return `${prefix}-0${hex(16, random)}`;
}

/** A version 4 UUID: ids of requests and activities. */
export function uuid(random: Random): string {
  const variant = '89ab'.charAt(Math.floor(random() * 4));
  return `${hex(8, random)}-${hex(4, random)}-4${hex(3, random)}-${variant}${hex(3, random)}-${hex(12, random)}`;
}

function hex(digits: number, random: Random): string {
  let text = '';
  for (let digit = 0; digit < digits; digit++) text += Math.floor(random() * 16).toString(16);
  return text;
}
