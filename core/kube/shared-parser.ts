import { parseRange, type JsonRange } from './json-range.ts';
import { commonTemplate, parseByTemplate, templateOf, type JsonTemplate, type Omissions } from './json-template.ts';

/** Options of {@link createSharedParser}. */
export interface SharedParserOptions extends Omissions {
  /** Bytes of documents in one generation; at most twice as many are held. Default 8 MiB: more than a thousand makes of pods. */
  readonly limitBytes?: number;
}

/**
 * Parses many objects, of which most are made from few templates, as the pods of a cluster are: an object that differs from earlier ones of its
 * owner only in strings is put together from them (see {@link JsonTemplate}). Objects share parts: whoever gets them must not change
 * them, and most shared parts are frozen.
 */
export interface SharedParser {
  /** What {@link parseRange} answers, with or without the fields to omit; throws what it throws. */
  parse(range: JsonRange): unknown;
  /** Forgets everything and learns no more: what follows is parsed plainly. */
  retire(): void;
}

/** What is known of the objects that one owner made. */
interface Family {
  /** The one that matched last comes first. */
  readonly templates: JsonTemplate[];
  /** Objects that were learnt from. */
  lessons: number;
  bytes: number;
}

/** Running, pending, restarted: more kinds of looks are too rare to pay. */
const templatesPerFamily = 4;
/** A lesson costs a few times what parsing costs: a family whose objects have nothing in common is left alone soon. */
const lessonsPerFamily = 12;

/** Where the key of a family stands: metadata come first, a name has at most 253 characters. */
const headBytes = 1024;
const familyStart = Buffer.from('"generateName":"');
const familyEnd = Buffer.from('"uid":"');

/** Makes a {@link SharedParser}: for one listing of one type of object. */
export function createSharedParser(options: SharedParserOptions): SharedParser {
  const { trimManagedFields, limitBytes = 8 * 2 ** 20 } = options;
  let young = new Map<string, Family>();
  let old = new Map<string, Family>();
  let youngBytes = 0;
  let retired = false;

  const familyOf = (key: string): Family => {
    const held = young.get(key);
    if (held !== undefined) return held;
    const family = old.get(key) ?? { templates: [], lessons: 0, bytes: 0 };
    if (youngBytes >= limitBytes) {
      old = young;
      young = new Map();
      youngBytes = 0;
    }
    young.set(key, family);
    youngBytes += family.bytes;
    return family;
  };

  const learn = (family: Family, range: JsonRange): void => {
    if (family.lessons >= lessonsPerFamily) return;
    family.lessons += 1;
    const { templates } = family;
    const lesson = templateOf(range);
    for (let index = 0; index < templates.length; index++) {
      const template = templates[index];
      const common = template === undefined ? undefined : commonTemplate(template, lesson, options);
      if (common === undefined) continue;
      templates[index] = common;
      return;
    }
    if (templates.length >= templatesPerFamily) templates.pop();
    else {
      family.bytes += lesson.bytes.length;
      youngBytes += lesson.bytes.length;
    }
    templates.push(lesson);
  };

  return {
    parse: (range) => {
      const key = retired ? undefined : familyKey(range);
      if (key === undefined) return parseRange(range, trimManagedFields);
      const family = familyOf(key);
      const known = parseKnown(family.templates, range);
      if (known !== undefined) return known;
      const value = parseRange(range, trimManagedFields);
      learn(family, range);
      return value;
    },
    retire: () => {
      retired = true;
      young = new Map();
      old = new Map();
    },
  };
}

function parseKnown(templates: JsonTemplate[], range: JsonRange): unknown {
  for (let index = 0; index < templates.length; index++) {
    const template = templates[index];
    if (template === undefined) continue;
    const value = parseByTemplate(template, range);
    if (value === undefined) continue;
    if (index > 0) templates.unshift(...templates.splice(index, 1));
    return value;
  }
  return undefined;
}

/** Name prefix and namespace, which is what objects made by one owner have in common. Only a guess: a wrong one costs time, no more. */
function familyKey({ bytes, start, end }: JsonRange): string | undefined {
  const head = bytes.subarray(start, Math.min(end, start + headBytes));
  const from = head.indexOf(familyStart);
  if (from === -1) return undefined;
  const to = head.indexOf(familyEnd, from);
  return to === -1 ? undefined : head.toString('latin1', from, to);
}
