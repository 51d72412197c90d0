/** Kinds of changes, with what is needed to take one back. */
export const undo = {
  /** A pod was put at the end of a row's list. */
  place: 0,
  /** So many nameless pods were put on a row: amount, and what they are. */
  placeMany: 1,
  /** A pod was taken off a row: its place in the list, and the pod. */
  displace: 2,
  /** A node was appended. */
  addNode: 3,
  /** A node was taken out, its pods with it. */
  removeNode: 4,
} as const;

/** A change of {@link undo}. */
export type UndoCode = (typeof undo)[keyof typeof undo];

/** Changes since the outermost fork, newest last, in layers. Nothing is written down outside of forks. */
export interface UndoLog {
  readonly depth: number;
  write(code: UndoCode, row: number, amount: number, subject: unknown): void;
  fork(): void;
  /** Takes the changes of the newest layer back, newest first. */
  revert(takeBack: (code: UndoCode, row: number, amount: number, subject: unknown) => void): void;
  /** Hands the newest layer's changes to the layer below; forgets them when there is none. */
  commit(): void;
}

export function createUndoLog(): UndoLog {
  /** Three numbers a change. */
  const numbers: number[] = [];
  const subjects: unknown[] = [];
  const layers: number[] = [];
  return {
    get depth() {
      return layers.length;
    },
    write: (code, row, amount, subject) => {
      if (layers.length === 0) return;
      numbers.push(code, row, amount);
      subjects.push(subject);
    },
    fork: () => void layers.push(subjects.length),
    revert: (takeBack) => {
      const start = layers.pop() ?? 0;
      for (let index = subjects.length - 1; index >= start; index--) {
        const at = index * 3;
        takeBack(numbers[at] as UndoCode, numbers[at + 1] as number, numbers[at + 2] as number, subjects[index]);
      }
      numbers.length = start * 3;
      subjects.length = start;
    },
    commit: () => {
      layers.pop();
      if (layers.length > 0) return;
      numbers.length = 0;
      subjects.length = 0;
    },
  };
}
