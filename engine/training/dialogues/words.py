"""Real words from which invented names are drawn or learned (see `names.py`).

Plain data: nouns, surnames, places, company words and finance words that also occur in names.
"""

# Templates stay on one line each, however long: a break would become part of the text.
# ruff: noqa: E501

from engine.training.dialogues.grammar import listed, worded

NOUNS = worded("""
albatross alder almond alpaca amber anchor anvil apricot arbor arrow ash aspen aster atlas aurora
badger bamboo banyan barley basalt basin bastion beacon beaver beech birch bison blizzard bluebird
bobcat bonsai boulder bramble breeze bridge briar bronze brook buffalo bumblebee butterfly cactus
camel canary candle canyon caribou cardinal carousel cascade castle cedar chameleon chariot cheetah
cherry chestnut chimney cinnamon citadel clover cobalt cobra comet compass condor copper coral
coriander cormorant corsair cosmos cottage cougar coyote crane crater crescent cricket crimson crocus
crown crystal cyclone cypress daffodil dahlia daisy dandelion dolphin dragon dragonfly driftwood dune
eagle ebony echo eclipse ember emerald emu equinox everest falcon fern ferret fiddler finch firefly
fjord flamingo flint fox foxglove galaxy galleon gannet garnet gazelle gecko geranium geyser glacier
goldfinch gorge granite grapevine grasshopper grizzly grouse gull hamlet harbor harbour harrier hawk
hawthorn hazel heather hedgehog helix hemlock heron hickory hollow honeysuckle horizon hornet hyacinth
ibex ibis icicle igloo impala indigo iris ironwood island ivory ivy jackal jade jaguar jasmine jasper
javelin juniper jupiter kayak kestrel keystone kingfisher kiwi koala krypton lagoon lantern lapwing
larch lark lavender leopard lichen lighthouse lilac lily limestone linnet lion llama lobster locust
lotus lynx magenta magnolia magpie mahogany mallard mammoth mandolin mango mangrove maple marigold
marlin marmot marten meadow mercury meridian merlin meteor millstone mimosa minaret minnow mirage
mistral mongoose monsoon moonstone moose moraine mosaic mulberry mustang myrtle nebula nectar nettle
newt nightingale nimbus nova oak oasis obelisk ocelot octopus olive onyx opal orchard orchid origami
oriole orion osprey ostrich otter outrigger oyster panda pangolin panther papaya paprika parakeet
parrot partridge peacock pebble pelican penguin peony peregrine periwinkle petrel pheasant phoenix
pigeon pine pinnacle piranha plover plum polaris pomegranate poplar poppy porcupine prairie primrose
prism puffin puma pyramid quail quartz quasar quetzal quicksilver quill quince rabbit raccoon rainbow
raven redwood reef rhubarb ridge river robin rosemary rowan ruby saffron sage salamander salmon
sandpiper sapphire sapling saturn scarab scorpion seahorse sequoia serpent shamrock sierra silver
skylark slate sloop snowdrop solstice sparrow spruce squirrel stallion starling stork sundial sunflower
swallow swan swift sycamore tamarind tapir teal tempest thistle thunder thyme tiger topaz torrent
tortoise toucan trident trout tsunami tulip tundra turquoise turtle umber unicorn urchin vanilla
velvet venus verbena viper volcano vortex vulture walnut walrus wasp waterfall weasel whale willow
windmill wisteria wolf wolverine wombat woodpecker wren yak yarrow yew zebra zenith zephyr zinnia
""")

SURNAMES = worded("""
Abbott Abernathy Ackermann Adeyemi Aguilar Ahmadi Albrecht Almeida Andersson Antonov Arslan Ashworth
Bakker Banerjee Barlow Baumann Bennett Bergström Bianchi Blackwood Blanchard Bosworth Brenner
Bukowski Burnham Calloway Cameron Cardoso Castellan Chatterjee Chaudhry Choi Christensen Clarke
Conti Cunningham Czerny Dalgaard Danjuma Delacroix Dempsey Desrosiers Dlamini Dubois Dvořák Eberhardt
Edwards Eriksen Esposito Fairweather Farrell Fernández Fischer Fitzgerald Fleming Fujimoto Gallagher
García Gauthier Giordano Goldberg Grüber Guerrero Gunnarsson Gupta Haddad Halvorsen Hamilton Harcourt
Hashimoto Hofmann Holloway Horváth Huang Ibrahim Inoue Ivanova Jankowski Jensen Johansson Kagan
Kaminski Karlsson Kaur Keller Kessler Khalil Kobayashi Kowalczyk Krüger Kumar Lachance Lambert
Larsen Laurent Leclerc Lefebvre Lindqvist Livingstone Lombardi Lopez MacDonald MacKenzie Mahmoud
Marchetti Martins Matsuda McAllister McCarthy McGregor Mehta Mendoza Meyer Mbeki Molina Montague
Moreau Morgenstern Müller Murakami Nakamura Nguyen Nielsen Novák Nowak Nyström Obermayer O'Brien
O'Connor O'Neill Okafor Okonkwo Olafsson Oppenheimer Ortega Osborne Östberg Papadopoulos Park Patel
Pemberton Pérez Petrov Pfeiffer Pietersen Pinheiro Popescu Prescott Quigley Ramírez Rasmussen
Reinhardt Ricci Rodrigues Romanov Rosenthal Rossi Rousseau Ruiz Sandoval Santos Sato Schneider Schmidt
Schröder Schulz Sepúlveda Shapiro Sharma Silva Sinclair Sokolov Sørensen Stavros Steiner Sullivan
Suzuki Svensson Szabó Takahashi Tanaka Teixeira Thackeray Thompson Torres Tremblay Tymoshenko Ueda
Vandenberg Vasquez Venter Vogel Wagner Wakefield Wallace Weber Weinstein Whitaker Wilkinson Winters
Wójcik Wong Xu Yamamoto Yilmaz Zabriskie Zhang Zimmermann Zuckerman Żeromski
""")

PLACES = worded("""
Aberdeen Adelaide Alabama Alaska Alpine Amsterdam Andes Antwerp Arctic Arizona Athens Atlantic
Auckland Austria Baltic Baltimore Bangkok Barcelona Basel Bavaria Belgium Bergen Berlin Bermuda Bern
Bombay Bordeaux Boston Brazil Bremen Bristol Brooklyn Brussels Budapest Cairo California Cambridge
Canada Caribbean Carolina Casablanca Chicago Chile Cologne Colombia Copenhagen Cornwall Cyprus Dakota
Dallas Danube Delaware Delhi Denmark Denver Detroit Dover Dresden Dublin Durham Düsseldorf Edinburgh
Egypt Essex Estonia Finland Florence Florida Frankfurt Galway Geneva Genoa Georgia Gibraltar Glasgow
Gothenburg Granada Hamburg Hanover Harlem Helsinki Houston Iberia Iceland Idaho Ireland Istanbul
Jakarta Jersey Kansas Kent Kenya Kyoto Lagos Lancaster Lausanne Leeds Leipzig Lima Lisbon Liverpool
Ljubljana London Louisiana Lucerne Lugano Luxembourg Lyon Madrid Malta Manchester Manila Marseille
Melbourne Memphis Mexico Miami Milan Minnesota Monaco Montana Montreal Moscow Mumbai Munich Nairobi
Naples Nebraska Nevada Newcastle Nordic Normandy Norway Norwich Nottingham Nuremberg Ohio Ontario
Oregon Osaka Oslo Oxford Pacific Palermo Panama Paris Perth Peru Philadelphia Phoenix Pisa Poland
Portland Porto Portugal Prague Pretoria Quebec Reykjavik Rhine Riga Rome Rotterdam Salzburg Samoa
Santiago Sardinia Savannah Scotland Seattle Seoul Seville Shanghai Sicily Singapore Slovenia Somerset
Spain Stockholm Strasbourg Stuttgart Suffolk Sussex Sweden Sydney Tallinn Tennessee Texas Tokyo
Toledo Toronto Toulouse Trieste Tunis Turin Tuscany Ulster Utah Utrecht Valencia Vancouver Venice
Vermont Vienna Vilnius Virginia Warsaw Wellington Wyoming York Yorkshire Zagreb Zurich Zürich
""")

# Listed companies that are not among the service's instruments, as strangers would name them.
COMPANIES = listed("""
Adidas;Airbus;Alibaba;Allianz;Alphabet;Amazon;American Express;AstraZeneca;AT&T;Axa;Barclays;BASF;
Bayer;Berkshire Hathaway;BHP;BlackRock;BMW;BNP Paribas;Boeing;Bosch;BP;British American Tobacco;
Broadcom;Caterpillar;Cisco;Citigroup;Commerzbank;Continental;Crédit Agricole;Credit Suisse;Danone;
Deere;Deutsche Bank;Deutsche Telekom;Diageo;Disney;DuPont;Enel;Eni;Equinor;Ericsson;FedEx;Ferrari;Ford;
General Motors;Glencore;Goldman Sachs;Google;GSK;Hermès;Hitachi;Honda;HSBC;IBM;Infineon;ING;Intel;
Intesa Sanpaolo;Kering;L'Oréal;Lloyds;Lockheed Martin;LVMH;Maersk;Marks & Spencer;Mastercard;
McDonald's;Mercedes;Meta;Mitsubishi;Morgan Stanley;Moody's;Nestlé;Netflix;Nike;Nintendo;Nokia;
Northrop;Novartis;Novo Nordisk;Nvidia;Oracle;Orange;PayPal;Petrobras;Philips;Porsche;Prudential;
Qualcomm;Raytheon;Reckitt;Renault;Richemont;Rio Tinto;Roche;Rolls-Royce;Ryanair;Salesforce;Samsung;
Sanofi;SAP;Santander;Schneider Electric;Shell;Siemens;Société Générale;SoftBank;Sony;Spotify;
Standard Chartered;Starbucks;Stellantis;Swiss Re;Target;Telefónica;Tencent;Tesco;Tesla;Thales;3M;
Toshiba;TotalEnergies;Toyota;TSMC;Uber;UBS;UniCredit;Unilever;Vale;Verizon;Visa;Vodafone;Volkswagen;
Volvo;Wells Fargo;Zalando;Zurich Insurance
""")

COMPANY_ENDINGS = listed(
    "Holdings;Group;Corp;Inc;plc;AG;SA;SE;NV;Ltd;Capital;Partners;Industries;Energy;Pharma;Bank;Foods;"
    "Motors;Logistics;Systems;Technologies;Materials;Resources;& Co;Brothers;& Sons;Labs;Steel;Oil;"
    "Airlines;Insurance;Media;Software;Retail;Chemicals;Telecom;Semiconductor;Biotech;Utilities;Trust"
)

BOOK_WORDS = listed(
    "macro;rates;credit;equity;equities;EM;Asia;Europe;global;income;growth;value;alpha;core;hedge;prop;"
    "desk;trading;legacy;flow;swaps;vol;index;arb;pension;treasury;liquidity;balanced;dynamic;absolute;"
    "return;sovereign;corporate;high yield;small cap;large cap;tech;energy;health;client;house;test;demo;"
    "main;master;strategic;tactical;quant;systematic;discretionary;emerging;frontier;Nordic;long short;"
    "market neutral;event driven;convertibles;commodities;metals;crypto;FX;carry;momentum;north;south;"
    "east;west;northern;southern;western;star;bank;blue;red;green;white;black;grey;golden;new;old;first;"
    "second;third;big;little;royal;grand;upper;lower;inner;outer;open;union;general;national;united"
)

# Names that are also finance words, tool words or function words.
COLLIDING_NAMES = listed(
    "Delta One;Exposure Fund;Limit Up;Monte Carlo book;Gamma Street;Vega Partners;Theta;Rho Capital;"
    "Value at Large;Beta Plus;Alpha;Short Term;Long Only;Put Option Desk;Call Centre;The Limit;Correlation;"
    "Volatility Arb;Stress;Drawdown Capital;Euro Desk;Dollar Index;Sterling House;Price Waterhouse;"
    "Position One;Historical;Parametric Fund;Risk;Market;Closing Bell;Strike;Expiry;Benchmark Capital;"
    "Sector 7;Currency Desk;Today;Yesterday Fund;Year End;Monday;March;Percentile;Confidence;Horizon;"
    "Breach;Check;Convert;Exchange;Rate Desk;Window;Sample Size;Test Book;What If;Any;Other;None;All;Us;"
    "Two Weeks;Ninety Nine;Half Million;One;Seven;Covid Recovery;Crisis Alpha;Crash Protection;Global Call;"
    "Tail;Tail Risk;Tail Hedge;Loss;Profit First;Change;Holdings;Large;Large Cap;Exposure;Greek;Maximum;"
    "Overnight;Shortfall;Expected;Delta;Gamma;Vega;VaR desk;ES1;PnL book;FX;Spot;Swap;Shock;Scenario A"
)

FUND_NOUNS = (
    "book",
    "book",
    "book",
    "portfolio",
    "portfolio",
    "fund",
    "desk",
    "account",
    "strategy",
)

LANGUAGES = worded(
    "French German Spanish Italian Portuguese Dutch Polish Czech Japanese Mandarin Korean Arabic Turkish Greek "
    "Swedish Danish Finnish Hungarian Latin Hindi English Norwegian Romanian"
)
DEPARTMENTS = listed(
    "risk;treasury;compliance;front office;middle office;back office;legal;HR;IT;audit;operations;sales;trading;"
    "research;marketing;finance;settlements;the London office;credit;procurement"
)
ITEMS = listed(
    "paper;pens;chairs;monitors;toner;coffee;envelopes;laptops;headsets;desks;staples;notebooks;keyboards;printers;"
    "the mail server;the VPN;the trading system;the intranet;the badge reader"
)
