import type * as pulumi from "@pulumi/pulumi";

import { isWholeNumber, type Problems } from "../problems";

/** The two containers of the sample Pod, whether Kubernetes or a person makes it. */
export interface NginxAndApp {
  /** An nginx image whose own command runs nginx in the foreground with /etc/nginx/nginx.conf. */
  nginxImage: pulumi.Input<string>;
  /** The image of an app that listens on 127.0.0.1:{@link appPort}; nobody outside the Pod can reach it directly. */
  appImage: pulumi.Input<string>;
  /**
   * Port the app listens on, on 127.0.0.1.
   * @default 8888
   */
  appPort?: number;
}

/** Notes what is wrong with the plain values; `at` stands before the name of each field: `proof.`. */
export function checkNginxAndApp(problems: Problems, at: string, args: NginxAndApp): void {
  for (const field of ["nginxImage", "appImage"] as const) {
    const value: unknown = args[field];
    if (value === undefined || value === "") problems.add(`${at}${field}`, value, "an image reference");
  }
  const { appPort = 8888 } = args;
  if (!isWholeNumber(appPort, 1, 65535) || appPort === 80) {
    problems.add(`${at}appPort`, appPort, "a whole number from 1 to 65535, and not 80: nginx listens there");
  }
}

/**
 * An nginx.conf that listens on port 80 and leads everything to an app on 127.0.0.1.
 * @param appPort Port the app listens on. @default 8888
 * @param serverName `server_name`; any name when left out.
 */
export function nginxConf(appPort = 8888, serverName?: string): string {
  const name = serverName === undefined ? "" : `\n    server_name ${serverName};`;
  return `error_log stderr;
events { worker_connections 1024; }
http {
  access_log off;
  server {
    listen 80 default_server;${name}
    location / {
      proxy_pass http://127.0.0.1:${appPort};
    }
  }
}
`;
}
