/** Recordings whose names begin with their class: `7_jackson_32.wav` (Free Spoken Digit Dataset). */
import { type FoundExamples, type Location, naturalOrder } from './format.js';
import { endingsOf } from './kindOf.js';
import { listFiles } from './listing.js';

const NAME = /^([^_/]+)_([^_/]+)_(\d+)\.[^.]+$/;
/** The set's official test recordings are the first five of each speaker and digit. */
const TEST_TAKES = 5;

/** Takes a folder, or a folder `recordings` in it, all of whose files are named class_speaker_number. */
export async function detectFileNames(location: Location): Promise<FoundExamples | undefined> {
  if (location.file !== undefined) return undefined;
  const files = await listFiles(location.folder, endingsOf(location.kind));
  const names = files.map((file) => NAME.exec(file.replace(/^recordings\//, '')));
  if (files.length === 0 || names.some((name) => name === null)) return undefined;
  const parsed = names as RegExpExecArray[];
  const classes = [...new Set(parsed.map(([, label]) => label))].sort(naturalOrder);
  if (classes.length < 2 || classes.length * 4 > files.length) return undefined;
  const isTest = (i: number) => Number(parsed[i][3]) < TEST_TAKES;
  const divided = files.some((_, i) => isTest(i)) && files.some((_, i) => !isTest(i));
  return {
    splits: divided ? ['train', 'test'] : [],
    async read(split) {
      const rows = Array.from(files.keys()).filter((i) => split === undefined || isTest(i) === (split === 'test'));
      return {
        source: { kind: 'files', root: location.folder, files: rows.map((i) => files[i]) },
        labels: Int32Array.from(rows, (i) => classes.indexOf(parsed[i][1])),
        classes,
        remarks: ['Classes are what the names of the files begin with.'],
      };
    },
  };
}
