/** A refusal as AWS words it: the SDK makes an error of it whose `name` is the code. */
export class AwsError extends Error {
  readonly code: string;
  /** HTTP status. */
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export function validationError(message: string): AwsError {
  return new AwsError('ValidationError', message);
}

/** Auto Scaling's words for a group that is not there. */
export function noSuchGroup(name: string): AwsError {
  return validationError(`AutoScalingGroup name not found - AutoScalingGroup ${name} not found`);
}

/** What an action does not do here is refused, never ignored. */
export function unsupported(parameter: string): AwsError {
  return new AwsError('UnsupportedOperation', `The simulated AWS does not support the parameter ${parameter}.`);
}
