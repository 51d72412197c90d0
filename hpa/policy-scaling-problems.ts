import { shownValue, type SchemaProblem } from '../core/model/schema-problems.ts';
import type { HorizontalPolicySpec, ScheduleInput } from './policy-schema.ts';
import { cronProblem, isTimeZone } from './schedule/index.ts';

/** What is wrong with the parts that only the suite's own policies have. */
export function scalingProblems(spec: HorizontalPolicySpec): SchemaProblem[] {
  return [...wakingProblems(spec), ...fallbackProblems(spec), ...scheduleProblems(spec)];
}

/** A percentage of 0 is 0, so a target at zero would sleep for ever. */
function wakingProblems({ minReplicas, behavior }: HorizontalPolicySpec): SchemaProblem[] {
  const rules = behavior?.scaleUp;
  if (minReplicas !== 0 || rules === undefined) return [];
  const { selectPolicy = 'Max', policies } = rules;
  if (selectPolicy === 'Disabled') {
    const message = '"Disabled" keeps a target with minReplicas 0 asleep for ever; set Max, or minReplicas to 1';
    return [{ path: 'spec.behavior.scaleUp.selectPolicy', message }];
  }
  const path = 'spec.behavior.scaleUp.policies';
  const remedy = 'or set minReplicas to 1';
  if (selectPolicy === 'Min' && (policies === undefined || policies.some(({ type }) => type === 'Percent'))) {
    const message = `a target with minReplicas 0 cannot grow by a percentage of 0, and selectPolicy Min takes the least; give policies of type Pods only, ${remedy}`;
    return [{ path, message }];
  }
  if (policies === undefined || policies.some(({ type }) => type === 'Pods')) return [];
  return [{ path, message: `a target with minReplicas 0 cannot grow by a percentage of 0; add a policy of type Pods, ${remedy}` }];
}

function fallbackProblems({ fallback, maxReplicas }: HorizontalPolicySpec): SchemaProblem[] {
  if (fallback === undefined) return [];
  const { replicas, behavior } = fallback;
  const path = 'spec.fallback.replicas';
  const needsReplicas = behavior === 'Static' || behavior === 'CurrentReplicasIfHigher' || behavior === 'CurrentReplicasIfLower';
  if (replicas === undefined) return needsReplicas ? [{ path, message: `is required by behavior ${behavior}; add it` }] : [];
  return replicas > maxReplicas
    ? [{ path, message: `${replicas} is more than maxReplicas ${maxReplicas}; lower it or raise maxReplicas` }]
    : [];
}

function scheduleProblems(spec: HorizontalPolicySpec): SchemaProblem[] {
  const names = new Set<string>();
  return (spec.schedules ?? []).flatMap((schedule, index) => {
    const path = `spec.schedules[${index}]`;
    const problems = [...cronProblems(schedule, path), ...scheduleBoundsProblems(schedule, spec, path)];
    if (names.has(schedule.name))
      problems.push({ path: `${path}.name`, message: `${shownValue(schedule.name)} is taken by another schedule; choose another name` });
    names.add(schedule.name);
    return problems;
  });
}

function cronProblems({ start, end, timeZone }: ScheduleInput, path: string): SchemaProblem[] {
  if (!isTimeZone(timeZone)) {
    return [{ path: `${path}.timeZone`, message: `${shownValue(timeZone)} is not a time zone; use an IANA name, like Europe/Berlin` }];
  }
  const problems = Object.entries({ start, end }).flatMap(([field, pattern]) => {
    const problem = cronProblem(pattern, timeZone);
    return problem === undefined ? [] : [{ path: `${path}.${field}`, message: `${shownValue(pattern)} ${problem}; correct it` }];
  });
  if (problems.length === 0 && start === end) {
    return [{ path: `${path}.end`, message: `${shownValue(end)} is the same as start, so the window would never close; set another time` }];
  }
  return problems;
}

function scheduleBoundsProblems(schedule: ScheduleInput, policy: HorizontalPolicySpec, path: string): SchemaProblem[] {
  const { minReplicas: floor, maxReplicas: ceiling, ramp } = schedule;
  const problems: SchemaProblem[] = [];
  const problem = (field: string, message: string): void => {
    problems.push({ path: `${path}${field}`, message });
  };
  if (floor === undefined && ceiling === undefined) problem('', 'has neither minReplicas nor maxReplicas; set one of them');
  if (floor !== undefined && ceiling !== undefined && ceiling < floor) {
    problem('.maxReplicas', `${ceiling} is less than minReplicas ${floor} of the schedule; raise maxReplicas or lower minReplicas`);
  }
  if (floor !== undefined && floor > policy.maxReplicas) {
    problem('.minReplicas', `${floor} is more than maxReplicas ${policy.maxReplicas} of the policy; lower it or raise maxReplicas`);
  }
  if (ceiling !== undefined && ceiling < policy.minReplicas) {
    problem('.maxReplicas', `${ceiling} is less than minReplicas ${policy.minReplicas} of the policy; raise it or lower minReplicas`);
  }
  if (ramp !== undefined && floor === undefined) problem('.ramp', 'needs minReplicas, which it raises in steps; add it or remove the ramp');
  return problems;
}
