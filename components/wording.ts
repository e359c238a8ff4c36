/** Messages in the words of whoever set the values: a program has arguments, and a stack's file has settings. */
import { AsyncLocalStorage } from "node:async_hooks";

type Translate = (text: string) => string;
const inUse = new AsyncLocalStorage<Translate>();

/** Runs a program whose messages are translated: log lines and errors, also those of Outputs and hooks. */
export const withWords = <T>(translate: Translate, program: () => T): T => inUse.run(translate, program);

/** A message in the words that are in use. */
export const worded = (text: string): string => inUse.getStore()?.(text) ?? text;
