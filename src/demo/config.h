/* SPDX-License-Identifier: MIT */
/* The demo's private folder, with the configurations of its server and client. */
#ifndef SKT_DEMO_CONFIG_H
#define SKT_DEMO_CONFIG_H

#include <stdint.h>

struct skt_demo_folder {
    char path[64];
    char server_config[96], server_log[96], server_socket[96];
    char client_config[96], client_log[96], client_socket[96];
};

struct skt_demo_ports {
    uint16_t target; /* TCP, the web server */
    uint16_t server; /* UDP, the tunnel's server */
    uint16_t link;   /* UDP, where the client finds it */
    uint16_t client; /* TCP, what the user connects to */
};

/* Makes the folder, mode 0700, with a name of its own. SKT_ERR_IO. */
int skt_demo_folder_make(struct skt_demo_folder *f);

/* Removes it with all that is in it. */
void skt_demo_folder_remove(const struct skt_demo_folder *f);

/* Writes both configurations with a new random key and ticket. SKT_ERR_IO, SKT_ERR_CRYPTO. */
int skt_demo_config_write(const struct skt_demo_folder *f, const struct skt_demo_ports *ports);

#endif
