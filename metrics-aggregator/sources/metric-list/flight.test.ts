import { describe, expect, it } from 'vitest';
import { createFlight } from './flight.ts';

const never = new AbortController().signal;

describe('a flight', () => {
  it('does the work once for all who wait, and again for the next', async () => {
    let begun = 0;
    let land: (value: number) => void = () => undefined;
    const flight = createFlight(() => {
      begun += 1;
      return new Promise<number>((resolve) => {
        land = resolve;
      });
    });
    const both = Promise.all([flight.join(never), flight.join(never)]);
    land(7);
    expect(await both).toEqual([7, 7]);
    const third = flight.join(never);
    land(8);
    expect([await third, begun]).toEqual([8, 2]);
  });

  it('goes on for the others when one stops waiting', async () => {
    let land: (value: number) => void = () => undefined;
    const flight = createFlight(() => new Promise<number>((resolve) => (land = resolve)));
    const impatient = new AbortController();
    const first = flight.join(impatient.signal);
    const second = flight.join(never);
    impatient.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    land(1);
    expect(await second).toBe(1);
    await expect(flight.join(AbortSignal.abort())).rejects.toThrow(/abort/i);
  });
});
