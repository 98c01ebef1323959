/** Which kind of signal a folder holds, by the endings of its files. */
import { type KindName, kindOf, kinds } from '../kinds/index.js';

/** Endings of the files that a kind's examples are named after. */
export function endingsOf(kind: KindName): RegExp {
  return Object.values(kindOf({ kind }).parts)[0];
}

/** What an example of a kind is called in a message: "image". */
export function nounOf(kind: KindName): string {
  return kindOf({ kind }).noun;
}

/** The kind that most of these files are of; undefined where none is known. Sets of images come with all sorts beside them. */
export function commonKind(files: readonly string[], candidates: readonly KindName[]): KindName | undefined {
  const counts = candidates.map((kind) => files.filter((file) => endingsOf(kind).test(file)).length);
  const most = Math.max(0, ...counts);
  return most > 0 ? candidates[counts.indexOf(most)] : undefined;
}

/** Every known ending of a file that alone makes an example. */
export function anyEnding(): RegExp {
  return new RegExp((Object.keys(kinds) as KindName[]).map((kind) => endingsOf(kind).source).join('|'), 'i');
}
