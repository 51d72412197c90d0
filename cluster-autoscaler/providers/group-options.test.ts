import { describe, expect, it } from 'vitest';
import { allGroupOptions, readGroupOptions, upstreamAwsOptions } from './group-options.ts';

describe('options of a group', () => {
  it('are read by the names and in the units of upstream', () => {
    const texts = {
      scaledownutilizationthreshold: '0.42',
      scaledowngpuutilizationthreshold: '1e-1',
      scaledownunneededtime: '1h30m',
      scaledownunreadytime: '0',
      ignoredaemonsetsutilization: 'T',
      maxnodeprovisiontime: '20m',
      maxnodestartuptime: '90s',
      zeroormaxnodescaling: 'true',
    };
    expect(readGroupOptions(texts, allGroupOptions)).toEqual({
      options: {
        utilizationThreshold: 0.42,
        gpuUtilizationThreshold: 0.1,
        unneededMs: 5_400_000,
        unreadyMs: 0,
        ignoreDaemonSetsUtilization: true,
        maxProvisionMs: 1_200_000,
        maxStartupMs: 90_000,
        zeroOrMax: true,
      },
      problems: [],
    });
  });

  it('are read only as far as they are known', () => {
    expect(readGroupOptions({ maxnodeprovisiontime: '20m', notyetspecified: '42' }, upstreamAwsOptions)).toEqual({
      options: {},
      problems: [],
    });
  });

  it.each([
    ['scaledownutilizationthreshold', ''],
    ['scaledownutilizationthreshold', 'NaN'],
    ['scaledownutilizationthreshold', '-0.5'],
    ['scaledownutilizationthreshold', '50%'],
    ['scaledownutilizationthreshold', '0.5 '],
    ['scaledownunneededtime', ''],
    ['scaledownunneededtime', '90'],
    ['scaledownunneededtime', '-5m'],
    ['scaledownunneededtime', '5 minutes'],
    ['ignoredaemonsetsutilization', 'yes'],
    ['ignoredaemonsetsutilization', 'tRUE'],
  ])('%s=%j is left to the default and reported', (key, value) => {
    const { options, problems } = readGroupOptions({ [key]: value }, allGroupOptions);
    expect(options).toEqual({});
    expect(problems).toMatchObject([{ key, value }]);
  });
});
