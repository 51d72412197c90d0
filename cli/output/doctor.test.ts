import { describe, expect, it } from 'vitest';
import { doctorReport, exitCodeOfReport } from '../compose/doctor/report.ts';
import { doctorJson, doctorTable, wantsColour } from './doctor.ts';

const report = doctorReport({
  program: '0.1.0',
  at: Date.UTC(2026, 0, 2, 3, 4, 5),
  server: 'https://api',
  context: 'prod',
  namespace: undefined,
  checks: [
    { check: 'a', status: 'OK', message: 'fine', values: { n: 1 } },
    { check: 'b/c', status: 'FAIL', message: 'bad \u001b[2J\u009b1m\u202e' },
    { check: 'd', status: 'SKIPPED', message: 'not seen' },
  ],
  found: [
    {
      namespace: 'm',
      name: 'prom',
      scheme: 'http',
      port: 80,
      path: '',
      software: 'Prometheus',
      usedBy: undefined,
      proposal: { manifest: { metadata: { name: 'prometheus' } }, yaml: '# a comment\nkind: MetricSource\n', notes: [] },
    },
    {
      namespace: 'm',
      name: 'used',
      scheme: 'http',
      port: 80,
      path: '',
      software: 'Prometheus',
      usedBy: 'main',
      proposal: { manifest: { metadata: { name: 'other' } }, yaml: 'kind: Other\n', notes: [] },
    },
  ],
});

describe('doctorTable', () => {
  it('has a line for each check, the counts, and only what nobody uses as a proposal', () => {
    expect(doctorTable(report, { colour: false })).toBe(
      [
        'STATUS    CHECK   WHAT',
        'OK        a       fine',
        'FAIL      b/c     bad [2J 1m',
        'SKIPPED   d       not seen',
        '',
        '3 checks: 1 OK, 0 WARN, 1 FAIL, 1 SKIPPED',
        '',
        '---',
        '# a comment',
        'kind: MetricSource',
        '',
      ].join('\n'),
    );
  });

  it('colours the status and nothing else', () => {
    const lines = doctorTable(report, { colour: true }).split('\n');
    expect(lines[0]).toBe('STATUS    CHECK   WHAT');
    expect(lines[1]).toBe('\u001b[32mOK\u001b[0m        a       fine');
    expect(lines[2]?.startsWith('\u001b[31mFAIL\u001b[0m      b/c')).toBe(true);
  });

  it.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: false }, {}, false],
    [{}, {}, false],
    [{ isTTY: true }, { NO_COLOR: '1' }, false],
    [{ isTTY: true }, { TERM: 'dumb' }, false],
    [{ isTTY: true }, { TERM: 'xterm' }, true],
  ])('%o with %o: colour %s', (stream, variables: Record<string, string>, wanted) => {
    expect(wantsColour(stream, (name) => variables[name])).toBe(wanted);
  });
});

describe('doctorJson', () => {
  it('is the report, harmless on a terminal', () => {
    const text = doctorJson(report);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(report)));
    expect(JSON.parse(text)).toMatchObject({
      kind: 'ConcertinaDoctorReport',
      version: 1,
      at: '2026-01-02T03:04:05.000Z',
      namespace: null,
      summary: { ok: 1, warn: 0, fail: 1, skipped: 1 },
      proposals: [{ service: 'm/prom', name: 'prometheus' }],
    });
  });
});

it('only a failure fails', () => {
  const with_ = (status: 'OK' | 'WARN' | 'FAIL' | 'SKIPPED'): number =>
    exitCodeOfReport(
      doctorReport({
        program: '',
        at: 0,
        server: undefined,
        context: undefined,
        namespace: undefined,
        checks: [{ check: 'x', status, message: '' }],
      }),
    );
  expect([with_('OK'), with_('WARN'), with_('SKIPPED'), with_('FAIL')]).toEqual([0, 0, 0, 1]);
});
