export type ErrorType = 'bad_data' | 'execution' | 'timeout' | 'canceled' | 'internal' | 'not_found' | 'unavailable';

const statuses: Readonly<Record<ErrorType, number>> = {
  bad_data: 400,
  execution: 422,
  timeout: 503,
  canceled: 503,
  internal: 500,
  not_found: 404,
  unavailable: 503,
};

/** An error of the API: HTTP status, `errorType` and `error` of the envelope. */
export class ApiError extends Error {
  readonly type: ErrorType;

  constructor(type: ErrorType, message: string) {
    super(message);
    this.name = 'ApiError';
    this.type = type;
  }

  get status(): number {
    return statuses[this.type];
  }

  static badParameter(name: string, why: string): ApiError {
    return new ApiError('bad_data', `invalid parameter "${name}": ${why}`);
  }
}
