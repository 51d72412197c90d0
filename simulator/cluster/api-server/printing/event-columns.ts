import type { KubeObject } from '../../../../core/model/object.ts';
import { objectOf, textOf } from '../json.ts';
import { timeSince } from './age.ts';
import type { ColumnPrinter } from './columns.ts';
import { numberOf, text, wide } from './columns.ts';

/** The two APIs name the same fields differently: `involvedObject` and `regarding`, `message` and `note`, `count` and `deprecatedCount`. */
function either(event: KubeObject, core: string, events: string): unknown {
  return event[core] ?? event[events];
}

function firstSeen(event: KubeObject, now: number): string {
  const first = either(event, 'firstTimestamp', 'deprecatedFirstTimestamp');
  return timeSince(first ?? event['eventTime'], now);
}

function lastSeen(event: KubeObject, now: number): string {
  const series = objectOf(event['series'])['lastObservedTime'];
  const last = either(event, 'lastTimestamp', 'deprecatedLastTimestamp');
  return series === undefined && last === undefined ? firstSeen(event, now) : timeSince(series ?? last, now);
}

function count(event: KubeObject): number {
  const series = objectOf(event['series'])['count'];
  return numberOf(series) || numberOf(either(event, 'count', 'deprecatedCount')) || 1;
}

function source(event: KubeObject): string {
  const given = objectOf(either(event, 'source', 'deprecatedSource'));
  const component = textOf(given['component']) || textOf(either(event, 'reportingComponent', 'reportingController'));
  const host = textOf(given['host']) || textOf(event['reportingInstance']);
  return [component, host].filter((part) => part !== '').join(', ');
}

const subject = (event: KubeObject): Record<string, unknown> => objectOf(either(event, 'involvedObject', 'regarding'));

export const eventColumns: readonly ColumnPrinter[] = [
  text('Last Seen', lastSeen),
  text('Type', (event) => textOf(event['type'])),
  text('Reason', (event) => textOf(event['reason'])),
  text('Object', (event) => {
    const { kind, name } = subject(event);
    return textOf(name) === '' ? textOf(kind).toLowerCase() : `${textOf(kind).toLowerCase()}/${textOf(name)}`;
  }),
  wide('Subobject', (event) => textOf(subject(event)['fieldPath'])),
  wide('Source', source),
  text('Message', (event) => textOf(either(event, 'message', 'note')).trim()),
  wide('First Seen', firstSeen),
  wide('Count', count),
  { ...wide('Name', (event) => event.metadata.name), format: 'name' },
];
