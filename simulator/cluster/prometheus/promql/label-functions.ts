import { anchoredRegExp, RegexpProblem } from '../storage/regexp.ts';
import { labelName } from './aggregate.ts';
import { ExecutionError } from './values.ts';
import type { Sample, Vector } from './values.ts';

/** `label_replace(v, destination, replacement, source, pattern)`. */
export function labelReplace(
  samples: Vector,
  [destination = '', replacement = '', source = '', pattern = '']: readonly string[],
): Sample[] {
  const expression = compiled(pattern);
  if (!labelName.test(destination)) throw new ExecutionError(`invalid destination label name in label_replace(): ${destination}`);
  return samples.map((sample) => {
    const match = expression.exec(sample.labels.get(source));
    if (match === null) return sample;
    return { labels: sample.labels.with({ [destination]: expand(replacement, match) }), value: sample.value };
  });
}

function compiled(pattern: string): RegExp {
  try {
    return anchoredRegExp(pattern);
  } catch (error) {
    if (error instanceof RegexpProblem) throw new ExecutionError(`invalid regular expression in label_replace(): ${pattern}`);
    throw error;
  }
}

/** Go's `Regexp.Expand`: `$1`, `$name` (as long as it goes), `${name}`, `$$`; an unknown name is empty. */
function expand(template: string, match: RegExpExecArray): string {
  return template.replaceAll(
    /\$(?:(\$)|\{(\w+)\}|(\w+))/g,
    (_, dollar: string | undefined, braced: string | undefined, bare: string | undefined) => {
      if (dollar !== undefined) return '$';
      const name = braced ?? bare ?? '';
      return (/^\d+$/.test(name) ? match[Number(name)] : match.groups?.[name]) ?? '';
    },
  );
}

/** `label_join(v, destination, separator, source…)`. */
export function labelJoin(samples: Vector, [destination = '', separator = '', ...sources]: readonly string[]): Sample[] {
  for (const source of sources) {
    if (!labelName.test(source)) throw new ExecutionError(`invalid source label name in label_join(): ${source}`);
  }
  if (!labelName.test(destination)) throw new ExecutionError(`invalid destination label name in label_join(): ${destination}`);
  return samples.map(({ labels, value }) => ({
    labels: labels.with({ [destination]: sources.map((source) => labels.get(source)).join(separator) }),
    value,
  }));
}
