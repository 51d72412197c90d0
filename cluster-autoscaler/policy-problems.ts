import { shownValue, type SchemaProblem } from '../core/model/schema-problems.ts';
import { Percent, Quantity } from '../core/units/index.ts';
import { cronProblem, isTimeZone } from './policy-windows.ts';
import type { NodePoolPolicySpec } from './policy-schema.ts';

/** Rules that no schema can say, and those between fields. */
export function crossProblems(spec: NodePoolPolicySpec): SchemaProblem[] {
  return [
    ...spec.groups.flatMap(selectorProblems),
    ...boundProblems(spec),
    ...templateProblems(spec.template),
    ...disruptionProblems(spec.disruption),
  ];
}

function selectorProblems({ name, pattern, tags }: NodePoolPolicySpec['groups'][number], index: number): SchemaProblem[] {
  const path = `spec.groups[${index}]`;
  if (name === undefined && pattern === undefined && tags === undefined) {
    return [{ path, message: 'names no group; set name, pattern or tags' }];
  }
  if (name !== undefined && (pattern !== undefined || tags !== undefined)) {
    return [{ path, message: 'name says which group it is; remove pattern and tags, or name' }];
  }
  if (tags !== undefined && Object.keys(tags).length === 0) {
    return [{ path: `${path}.tags`, message: 'has no tag, which every group would have; add one or remove it' }];
  }
  return [];
}

function boundProblems({ minSize, maxSize, scaleUp }: NodePoolPolicySpec): SchemaProblem[] {
  if (minSize !== undefined && maxSize !== undefined && maxSize < minSize) {
    return [{ path: 'spec.maxSize', message: `${maxSize} is less than minSize ${minSize}; raise maxSize or lower minSize` }];
  }
  if (scaleUp?.zeroOrMax === true && minSize !== undefined && minSize > 0) {
    return [
      { path: 'spec.minSize', message: `${minSize} contradicts scaleUp.zeroOrMax, which knows 0 and maxSize only; remove one of the two` },
    ];
  }
  return [];
}

const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const qualifiedName = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

function templateProblems(template: NodePoolPolicySpec['template']): SchemaProblem[] {
  if (template === undefined) return [];
  const path = 'spec.template';
  const { labels = {}, taints = [], capacity = {}, allocatable = {} } = template;
  const amounts = { capacity, allocatable };
  return [
    ...Object.entries(labels).flatMap(([key, value]) => [
      ...(qualifiedName.test(key)
        ? []
        : [{ path: `${path}.labels.${key}`, message: `${shownValue(key)} is not a label's name; write example.com/pool or pool` }]),
      ...(labelValue.test(value)
        ? []
        : [{ path: `${path}.labels.${key}`, message: `${shownValue(value)} is not a label's value; use letters, digits, -, _ and .` }]),
    ]),
    ...taints.flatMap(({ key, value = '' }, index) => [
      ...(qualifiedName.test(key)
        ? []
        : [{ path: `${path}.taints[${index}].key`, message: `${shownValue(key)} is not a taint's name; write example.com/pool or pool` }]),
      ...(labelValue.test(value)
        ? []
        : [
            {
              path: `${path}.taints[${index}].value`,
              message: `${shownValue(value)} is not a taint's value; use letters, digits, -, _ and .`,
            },
          ]),
    ]),
    ...(['capacity', 'allocatable'] as const).flatMap((field) =>
      Object.entries(amounts[field]).flatMap(([resource, given]) => {
        const quantity = Quantity.tryParse(given);
        if (quantity !== undefined && quantity.sign >= 0) return [];
        return [
          { path: `${path}.${field}.${resource}`, message: `${shownValue(given)} is not a quantity of 0 or more, like 4, 3920m or 15Gi` },
        ];
      }),
    ),
    ...Object.entries(allocatable).flatMap(([resource, given]) => {
      const [part, whole] = [Quantity.tryParse(given), Quantity.tryParse(capacity[resource] ?? 'none')];
      if (part === undefined || whole === undefined || part.cmp(whole) <= 0) return [];
      return [
        {
          path: `${path}.allocatable.${resource}`,
          message: `${shownValue(given)} is more than the capacity ${shownValue(capacity[resource])}; lower it`,
        },
      ];
    }),
  ];
}

function disruptionProblems(disruption: NodePoolPolicySpec['disruption']): SchemaProblem[] {
  const { maxNodes, windows = [] } = disruption ?? {};
  return [
    ...countProblems(maxNodes, 'spec.disruption.maxNodes'),
    ...windows.flatMap(({ timeZone, start, maxNodes: most }, index) => {
      const path = `spec.disruption.windows[${index}]`;
      if (!isTimeZone(timeZone)) {
        return [{ path: `${path}.timeZone`, message: `${shownValue(timeZone)} is not known; write an IANA name, like Europe/Berlin` }];
      }
      const problem = cronProblem(start, timeZone);
      return [
        ...(problem === undefined ? [] : [{ path: `${path}.start`, message: `${shownValue(start)} ${problem}` }]),
        ...countProblems(most, `${path}.maxNodes`),
      ];
    }),
    ...windows.flatMap(({ name }, index) =>
      windows.findIndex((other) => other.name === name) === index
        ? []
        : [
            {
              path: `spec.disruption.windows[${index}].name`,
              message: `${shownValue(name)} is the name of another window too; give each its own`,
            },
          ],
    ),
  ];
}

function countProblems(given: number | string | undefined, path: string): SchemaProblem[] {
  if (given === undefined || typeof given === 'number') return [];
  const percent = Percent.tryParse(given);
  return percent !== undefined && percent.value <= 100
    ? []
    : [{ path, message: `${shownValue(given)} is neither a number of nodes nor a share up to 100%; write 3 or "10%"` }];
}
