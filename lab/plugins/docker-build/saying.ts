import { messageOf } from "../../../components/errors";
/** Has an error say first what was being done. */
export async function saying<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`${doing}: ${messageOf(error)}`);
  }
}
