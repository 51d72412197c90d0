/** What can be written as XML: `undefined` is left out, a list is an element around one element for each item, a Date an ISO time. */
export type XmlValue = string | number | boolean | Date | undefined | XmlFields | readonly XmlValue[];

export interface XmlFields {
  readonly [name: string]: XmlValue;
}

/** The children of an element. Items of lists are called `item` (EC2) or `member` (Auto Scaling). */
export function xmlFields(fields: XmlFields, item: 'item' | 'member'): string {
  let text = '';
  for (const [name, value] of Object.entries(fields)) text += element(name, value, item);
  return text;
}

function element(name: string, value: XmlValue, item: 'item' | 'member'): string {
  if (value === undefined) return '';
  const content = xmlContent(value, item);
  return content === '' ? `<${name}/>` : `<${name}>${content}</${name}>`;
}

function xmlContent(value: Exclude<XmlValue, undefined>, item: 'item' | 'member'): string {
  if (typeof value === 'string') return escapeXml(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return value.toISOString();
  if (isList(value)) return value.map((entry) => element(item, entry, item)).join('');
  return xmlFields(value, item);
}

function isList(value: object): value is readonly XmlValue[] {
  return Array.isArray(value);
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#xD;' };

/** Control characters that XML cannot carry become U+FFFD. */
export function escapeXml(text: string): string {
  return text.replace(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu, '\ufffd').replace(/[&<>"\r]/g, (found) => entities[found] ?? found);
}
