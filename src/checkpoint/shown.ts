/** How names from files that strangers made are put into sentences: on one line, without control characters, not endless. */

const LONGEST = 100;

/** The name, with what cannot be printed as `\u` escapes, cut after 100 characters. */
export function shown(name: string): string {
  const cut = name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name;
  return cut.replace(
    /[\p{C}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
