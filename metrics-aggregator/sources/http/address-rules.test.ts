import { describe, expect, test } from 'vitest';
import { judgeAddress, parseIpv4, parseIpv6 } from './address-rules.ts';

function problem(address: string, permit = {}): string {
  const verdict = judgeAddress(address, permit);
  return verdict.ok ? '' : verdict.problem;
}

describe('addresses that a metric source may have', () => {
  test.each([
    '10.0.0.1',
    '172.16.5.5',
    '192.168.1.1',
    '100.64.0.1',
    '8.8.8.8',
    '169.253.255.255',
    '169.255.0.0',
    '223.255.255.255',
    'fd00::1',
    'fc00:1234::1',
    '2606:4700::1111',
    'fec0::1',
    '::ffff:10.0.0.1',
    '64:ff9b::10.0.0.1',
    '2002:0a00:0001::1',
    'fe00::1',
  ])('%s', (address) => {
    expect(judgeAddress(address, {})).toEqual({ ok: true });
  });
});

describe('addresses that are refused', () => {
  test.each([
    ['127.0.0.1', 'is loopback'],
    ['127.255.255.254', 'is loopback'],
    ['::1', 'is loopback'],
    ['0.0.0.0', 'is unspecified'],
    ['0.1.2.3', 'is unspecified'],
    ['::', 'is unspecified'],
    ['169.254.0.1', 'is link-local'],
    ['fe80::1', 'is link-local'],
    ['febf::1', 'is link-local'],
    ['fe80::1%eth0', 'is link-local'],
    ['fe80::1%25eth0', 'is link-local'],
    ['169.254.169.254', 'is the metadata service of most clouds'],
    ['169.254.170.2', 'is the metadata service of AWS ECS'],
    ['100.100.100.200', 'is the metadata service of Alibaba Cloud'],
    ['168.63.129.16', 'is the metadata service of Azure'],
    ['192.0.0.192', 'is the metadata service of Oracle Cloud'],
    ['fd00:ec2::254', 'is the metadata service of AWS'],
    ['FD00:0EC2:0:0:0:0:0:0254', 'is the metadata service of AWS'],
    ['fd20:ce::254', 'is the metadata service of Google Cloud'],
    ['224.0.0.1', 'is multicast'],
    ['239.255.255.255', 'is multicast'],
    ['ff02::1', 'is multicast'],
    ['255.255.255.255', 'is the broadcast address'],
    ['240.0.0.1', 'is reserved'],
    ['::ffff:127.0.0.1', 'carries 127.0.0.1 (IPv4-mapped), which is loopback'],
    ['::ffff:7f00:1', 'carries 127.0.0.1 (IPv4-mapped), which is loopback'],
    ['::ffff:169.254.169.254', 'carries 169.254.169.254 (IPv4-mapped), which is the metadata service'],
    ['::ffff:0.0.0.0', 'carries 0.0.0.0 (IPv4-mapped), which is unspecified'],
    ['::127.0.0.1', 'carries 127.0.0.1 (IPv4-compatible), which is loopback'],
    ['::a9fe:a9fe', 'carries 169.254.169.254 (IPv4-compatible)'],
    ['::ffff:0:169.254.169.254', 'carries 169.254.169.254 (IPv4-translated)'],
    ['64:ff9b::169.254.169.254', 'carries 169.254.169.254 (NAT64)'],
    ['64:ff9b::7f00:1', 'carries 127.0.0.1 (NAT64)'],
    ['64:ff9b:1::169.254.169.254', 'local NAT64 prefix'],
    ['64:ff9b:1:a9fe:a9:fe00::', 'local NAT64 prefix'],
    ['2002:7f00:1::1', 'carries 127.0.0.1 (6to4)'],
    ['2002:a9fe:a9fe::', 'carries 169.254.169.254 (6to4)'],
    ['2001:0:a9fe:a9fe::1', 'carries 169.254.169.254 (Teredo server)'],
    ['2001:0:0a00:0001:0:0:80ff:fffe', 'carries 127.0.0.1 (Teredo client)'],
    ['2606:4700::5efe:7f00:1', 'carries 127.0.0.1 (ISATAP)'],
    ['2606:4700::200:5efe:a9fe:a9fe', 'carries 169.254.169.254 (ISATAP)'],
    ['fd00::1%eth0', 'has a zone although it is not link-local'],
    ['', 'is not an IP address'],
    ['localhost', 'is not an IP address'],
    ['127.1', 'is not an IP address'],
    ['0177.0.0.1', 'is not an IP address'],
    ['127.0.0.01', 'is not an IP address'],
    ['2130706433', 'is not an IP address'],
    ['0x7f.0.0.1', 'is not an IP address'],
    ['1.2.3.4.5', 'is not an IP address'],
    ['1.2.3.256', 'is not an IP address'],
    ['::ffff:1.2.3', 'is not an IP address'],
    ['1::2::3', 'is not an IP address'],
    ['1:2:3:4:5:6:7', 'is not an IP address'],
    ['1:2:3:4:5:6:7:8:9', 'is not an IP address'],
    ['1:2:3:4:5:6:7::8', 'is not an IP address'],
    ['[::1]', 'is not an IP address'],
    ['10.0.0.1\n', 'is not an IP address'],
  ])('%s %s', (address, expected) => {
    expect(problem(address)).toContain(expected);
  });
});

describe('permits', () => {
  const loopback = { allowLoopback: true };
  const linkLocal = { allowLinkLocal: true };

  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '127.9.9.9'])('loopback permits %s and nothing else', (address) => {
    expect(problem(address, loopback)).toBe('');
    expect(problem(address, linkLocal)).not.toBe('');
  });

  test.each(['169.254.1.1', 'fe80::1', 'fe80::1%eth0', '::ffff:169.254.1.1'])('link-local permits %s and nothing else', (address) => {
    expect(problem(address, linkLocal)).toBe('');
    expect(problem(address, loopback)).not.toBe('');
  });

  test.each([
    '169.254.169.254',
    '169.254.170.2',
    '100.100.100.200',
    'fd00:ec2::254',
    '::ffff:169.254.169.254',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    '255.255.255.255',
  ])('nothing permits %s', (address) => {
    expect(problem(address, { ...loopback, ...linkLocal })).not.toBe('');
  });
});

test('addresses are read exactly', () => {
  expect(parseIpv4('255.254.253.252')).toBe(0xfffefdfc);
  expect(parseIpv6('1:2::ffff:1.2.3.4')).toEqual([1, 2, 0, 0, 0, 0xffff, 0x102, 0x304]);
  expect(parseIpv6('::')).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect(parseIpv6('1::')).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
});
