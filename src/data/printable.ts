/** What a file says, fit for a message: cut to `most` letters, and without those that a terminal would obey. */
export function printable(text: string, most = 40): string {
  return text.slice(0, most).replace(/[^\x20-\x7e]/g, '?');
}
