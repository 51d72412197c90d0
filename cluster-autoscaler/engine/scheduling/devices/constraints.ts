import type { DeviceAttribute, DeviceConstraint, DeviceRecord } from './model.ts';

/** A constraint while devices are chosen for a claim. What was added last is removed first. */
export interface ConstraintState {
  /** Whether the device may be had with those that were added; it counts from now on if so. */
  add(request: string, alternative: string, device: DeviceRecord, driver: string): boolean;
  remove(request: string, alternative: string): void;
}

export function createConstraint(constraint: DeviceConstraint): ConstraintState {
  return constraint.distinct ? distinctValues(constraint) : oneValue(constraint);
}

function means({ requests }: DeviceConstraint, request: string, alternative: string): boolean {
  if (requests.length === 0 || requests.includes(request)) return true;
  return alternative !== '' && requests.includes(`${request}/${alternative}`);
}

function oneValue(constraint: DeviceConstraint): ConstraintState {
  let value: DeviceAttribute | undefined;
  let devices = 0;
  return {
    add: (request, alternative, device, driver) => {
      if (!means(constraint, request, alternative)) return true;
      const own = attributeOf(device, driver, constraint.attribute);
      if (own === undefined) return false;
      if (devices === 0) value = own;
      else if (value === undefined || own.type === 'list' || !isSame(own, value)) return false;
      devices += 1;
      return true;
    },
    remove: (request, alternative) => {
      if (means(constraint, request, alternative)) devices -= 1;
    },
  };
}

/** As the scheduler: of each request the value of its last device is compared with, not all of them. */
function distinctValues(constraint: DeviceConstraint): ConstraintState {
  const values = new Map<string, DeviceAttribute>();
  let devices = 0;
  return {
    add: (request, alternative, device, driver) => {
      if (!means(constraint, request, alternative)) return true;
      const own = attributeOf(device, driver, constraint.attribute);
      if (own === undefined) return false;
      if (devices > 0 && [...values.values()].some((each) => isSame(own, each))) return false;
      values.set(request, own);
      devices += 1;
      return true;
    },
    remove: (request, alternative) => {
      if (!means(constraint, request, alternative)) return;
      values.delete(request);
      devices -= 1;
    },
  };
}

function isSame(a: DeviceAttribute, b: DeviceAttribute): boolean {
  return a.type === b.type && a.value === b.value;
}

/** By its full name, or without the domain where that is the driver's. */
function attributeOf({ attributes }: DeviceRecord, driver: string, name: string): DeviceAttribute | undefined {
  const whole = attributes.get(name);
  if (whole !== undefined) return whole;
  const slash = name.indexOf('/');
  return slash >= 0 && name.slice(0, slash) === driver ? attributes.get(name.slice(slash + 1)) : undefined;
}
