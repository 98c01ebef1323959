/** Told how far a long piece of work is: what is done, of how much. A command draws a bar from it. */
export type Watch = (task: string, done: number, total: number) => void;
