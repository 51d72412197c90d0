/** The HTTP code of a failure that the registry threw; nothing for anything else. */
export function statusCodeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, status } = error as { code?: unknown; status?: unknown };
  if (typeof code === 'number') return code;
  if (typeof status === 'number') return status;
  if (typeof status === 'object' && status !== null && typeof (status as { code?: unknown }).code === 'number') {
    return (status as { code: number }).code;
  }
  return undefined;
}

/** The reason of a failure: `AlreadyExists` and `Conflict` share their code. */
export function reasonOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { reason, status } = error as { reason?: unknown; status?: unknown };
  if (typeof reason === 'string') return reason;
  if (typeof status === 'object' && status !== null && typeof (status as { reason?: unknown }).reason === 'string') {
    return (status as { reason: string }).reason;
  }
  return undefined;
}

export function isNotFound(error: unknown): boolean {
  return statusCodeOf(error) === 404;
}

export function isAlreadyExists(error: unknown): boolean {
  return statusCodeOf(error) === 409 && reasonOf(error) === 'AlreadyExists';
}

/** The object changed underneath, or is in the way: ordinary, try again. */
export function isConflict(error: unknown): boolean {
  return statusCodeOf(error) === 409;
}

/** Awaits a delete that may find its object gone already. */
export async function ignoreNotFound(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
