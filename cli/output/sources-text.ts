/** What JSON leaves as it is and a terminal may obey, or show as something else: C1 controls, DEL, direction marks, invisible characters. */
const risky = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** JSON whose risky characters are written as escapes: the same value for a parser, harmless on a terminal. */
export function terminalJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(risky, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
