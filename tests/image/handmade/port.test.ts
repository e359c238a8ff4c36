import * as assert from "assert";
import * as net from "node:net";

import { freePort, requirePort } from "../../../lab/handmade/port";

describe("the port of the handmade Pod", () => {
  it("may be one that nobody has", async () => {
    await requirePort(await freePort());
  });

  it("is refused when a program has it, saying which port and what to do", async () => {
    const other = net.createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as net.AddressInfo;
    try {
      await assert.rejects(requirePort(port), (error: Error) => {
        for (const word of [`port ${port} of 127.0.0.1`, "EADDRINUSE", "ss -ltnp", "PAUSE_SANDBOX_PORT="]) {
          assert.ok(error.message.includes(word), `${word} is not in: ${error.message}`);
        }
        return true;
      });
    } finally {
      other.close();
    }
  });
});
