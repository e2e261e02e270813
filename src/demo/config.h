/* SPDX-License-Identifier: MIT */
/* The demo's private folder, with the configurations of its server and client. */
#ifndef SKT_DEMO_CONFIG_H
#define SKT_DEMO_CONFIG_H

#include <stdint.h>

struct skt_demo_folder {
    char path[64];          /* of the folder; leaves room for a socket's name in the 104 bytes of macOS */
    char server_config[96]; /* path of the server's configuration: the folder's and a name */
    char server_log[96];    /* of its log */
    char server_socket[96]; /* of its status socket */
    char client_config[96]; /* the same three of the client */
    char client_log[96];    /* of its log */
    char client_socket[96]; /* of its status socket */
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
