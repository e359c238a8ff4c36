/** Requests to the lab's servers, verified against the lab's own authorities; nothing here skips verification. */
import * as https from "node:https";

export interface Identity {
  /** Authority that signed the server's certificate. */
  ca: string;
  cert?: string;
  key?: string;
}

export interface Answer {
  status: number;
  body: string;
}

export function request(
  url: string,
  identity: Identity,
  options: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { method = "GET", body, headers = {} } = options;
  return new Promise((resolve, reject) => {
    const call = https.request(url, { ...identity, method, headers, agent: false, timeout: 5000 }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, body: text });
      });
    });
    call.on("timeout", () => call.destroy(new Error(`${url} did not answer within 5 s`)));
    call.on("error", (error) => {
      reject(new Error(`${url}: ${error.message}`));
    });
    call.end(body);
  });
}
