import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AwsError, validationError } from './aws-error.ts';
import { answerOf, refusalOf } from './answers.ts';
import { pageOf } from './page.ts';
import { Parameters } from './parameters.ts';
import { escapeXml, xmlFields } from './xml.ts';

const of = (form: string): Parameters => new Parameters(new URLSearchParams(form));

describe('parameters of the query protocols', () => {
  it('reads lists of both services in the order of their numbers', () => {
    expect(of('Names.member.2=b&Names.member.10=c&Names.member.1=a').texts('Names')).toEqual(['a', 'b', 'c']);
    expect(of('InstanceId.2=b&InstanceId.1=a').texts('InstanceId')).toEqual(['a', 'b']);
    const [filter] = of('Filter.1.Name=tag:a.b&Filter.1.Value.1=x&Filter.1.Value.2=y').list('Filter');
    expect([filter?.text('Name'), filter?.texts('Value')]).toEqual(['tag:a.b', ['x', 'y']]);
    expect(of('A=1').list('Names')).toEqual([]);
  });

  it('refuses values of the wrong kind with path and value', () => {
    expect(() => of('L.member.1.MinSize=x').list('L')[0]?.whole('MinSize')).toThrow('Value (x) for parameter L.member.1.MinSize');
    expect(() => of('N=1.5').whole('N')).toThrow(AwsError);
    expect(() => of('N=').number('N')).toThrow(AwsError);
    expect(() => of('F=yes').flag('F')).toThrow('it must be true or false');
    expect(() => of('').required('Name')).toThrow('The request must contain the parameter Name');
    expect([of('N=-3').whole('N'), of('N=0.5').number('N'), of('F=false').flag('F'), of('').whole('N')]).toEqual([
      -3,
      0.5,
      false,
      undefined,
    ]);
  });

  it('refuses what nobody has asked for, at any depth, and lets pass what was accepted', () => {
    const parameters = of('Name=n&Tags.member.1.Key=k&Tags.member.1.Colour=red');
    parameters.text('Name');
    for (const tag of parameters.list('Tags')) tag.text('Key');
    expect(() => parameters.done()).toThrow('Tags.member.1.Colour');
    for (const tag of parameters.list('Tags')) tag.accept('Colour');
    expect(() => parameters.done()).not.toThrow();
    expect(() => of('Deep.A.member.1.B=1').accept('Deep').done()).not.toThrow();
    expect(() => of('Whole=1').done()).toThrow('does not support the parameter Whole');
  });
});

describe('XML', () => {
  it('writes lists, dates and nothing for what is absent', () => {
    expect(xmlFields({ A: 'x', B: undefined, L: [1, { C: true }], D: new Date(0), E: [] }, 'member')).toBe(
      '<A>x</A><L><member>1</member><member><C>true</C></member></L><D>1970-01-01T00:00:00.000Z</D><E/>',
    );
  });

  it('escapes whatever text there is, so that only text is read', () => {
    expect(escapeXml('<a b="c">&\u0000\u001b\r\n')).toBe('&lt;a b=&quot;c&quot;&gt;&amp;\ufffd\ufffd&#xD;\n');
    fc.assert(fc.property(fc.string({ unit: 'binary-ascii' }), (text) => !/[<>]|&(?!(amp|lt|gt|quot|#xD);)/.test(escapeXml(text))));
  });

  it('answers and refuses in the form of each service', () => {
    expect(answerOf('autoscaling', 'DescribeX', { A: 1 }, 'id').body).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<DescribeXResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">' +
        '<DescribeXResult><A>1</A></DescribeXResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DescribeXResponse>',
    );
    expect(answerOf('ec2', 'DescribeX', { a: [1] }, 'id').body).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<DescribeXResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">' +
        '<requestId>id</requestId><a><item>1</item></a></DescribeXResponse>',
    );
    expect(refusalOf('autoscaling', validationError('a < b'), 'id')).toMatchObject({
      status: 400,
      body:
        '<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">' +
        '<Error><Type>Sender</Type><Code>ValidationError</Code><Message>a &lt; b</Message></Error><RequestId>id</RequestId></ErrorResponse>',
    });
    expect(refusalOf('ec2', new AwsError('RequestLimitExceeded', 'm', 503), 'id')).toMatchObject({
      status: 503,
      body:
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>m</Message></Error></Errors>' +
        '<RequestID>id</RequestID></Response>',
    });
  });
});

describe('pages', () => {
  const badToken = (token: string): AwsError => new AwsError('InvalidNextToken', token);

  it('give every item that stays once, whatever comes and goes between them', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(500), { minLength: 1 }),
        fc.array(fc.nat(500)),
        fc.integer({ min: 1, max: 7 }),
        (staying, fleeting, limit) => {
          const keep = new Set(staying);
          const key = (item: number): string => String(item).padStart(4, '0');
          const sorted = (items: Iterable<number>): number[] => [...new Set(items)].toSorted((a, b) => a - b);
          const seen: number[] = [];
          let token: string | undefined;
          let round = 0;
          do {
            const there = sorted([...staying, ...(round++ % 2 === 0 ? fleeting : [])]);
            const page = pageOf(there, { token, limit, key, badToken });
            expect(page.items.length).toBeLessThanOrEqual(limit);
            seen.push(...page.items);
            token = page.next;
          } while (token !== undefined);
          expect(seen.filter((item) => keep.has(item))).toEqual(sorted(staying));
        },
      ),
    );
  });

  it('refuse a token that is none of theirs', () => {
    expect(() => pageOf([1], { token: 'nonsense', limit: 1, key: String, badToken })).toThrow('nonsense');
  });
});
