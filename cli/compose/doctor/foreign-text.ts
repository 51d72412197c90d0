/** Control characters, and those that turn the direction of a text, are invisible, or break a line. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\ufff9-\uffff]/gu;

/** A text from a cluster or a server as a part of a sentence: on one line, cut, and with nothing in it that a terminal would obey. */
export function foreign(text: string, maxLength = 160): string {
  const line = text.replace(unprintable, ' ').replace(/\s+/g, ' ').trim();
  const characters = Array.from(line);
  return characters.length > maxLength ? `${characters.slice(0, maxLength - 1).join('')}…` : line;
}
